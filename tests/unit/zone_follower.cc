#include "catch.h"
#include "folder.h"
#include "schema/store.h"
#include "zone/follower.h"
#include "zone_fixture.h"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

using namespace blowback;
using namespace blowback::test;
using zone::Follower;
using zone::FollowerReport;
using zone::Published;
using zone::View;
using Event = FollowerReport::Event;

namespace {

namespace fs = std::filesystem;

/// A follower of `database`, what it reported, and what it published.
struct Followed {
  explicit Followed(const std::string& database, Duration stale_after = std::chrono::hours{1}, UnixTime at = kNow)
      : now(at),
        follower(
            {.database = database, .stale_after = stale_after}, view, [this] { return now.load(); },
            [this](const FollowerReport& report) {
              const std::scoped_lock lock(mutex);
              reports.push_back(report.event);
            }) {}

  template <typename Condition>
  [[nodiscard]] bool within_ten_seconds(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
  }
  [[nodiscard]] bool is_listed(const char* address) {
    const View* seen = reader.get();
    return seen != nullptr && seen->index && !seen->stale && !seen->index->codes_at(ip(address), seen->as_of).empty();
  }
  [[nodiscard]] Serial serial() {
    const View* seen = reader.get();
    return seen == nullptr ? 0 : seen->serial;
  }
  [[nodiscard]] std::ptrdiff_t times(Event event) {
    const std::scoped_lock lock(mutex);
    return std::count(reports.begin(), reports.end(), event);
  }

  std::atomic<UnixTime> now{kNow};
  std::mutex mutex;
  std::vector<Event> reports;
  Published<View> view;
  Published<View>::Reader reader{view};
  Follower follower;  // last: it uses the others
};

const schema::Decision kDecision{.who = "operator", .reason = "a test"};

schema::Store made(const std::string& file) {
  auto store = schema::Store::open(file, schema::Store::Mode::create);
  REQUIRE(store);
  return std::move(*store);
}

void list(schema::Store& store, const char* prefix) {
  REQUIRE(store.list(std::vector{net(prefix)}, std::nullopt, kDecision, kNow));
}

void remove_database(const std::string& file) {
  for (const auto* const suffix : {"", "-wal", "-shm"}) fs::remove(file + suffix);
}

}  // namespace

TEST_CASE("the list is published when the follower has been constructed", "[zone][follower]") {
  const Folder folder;
  auto store = made(folder.file("a.db"));
  list(store, "192.0.2.1");
  Followed followed(folder.file("a.db"));
  CHECK(followed.is_listed("192.0.2.1"));
  CHECK(followed.times(Event::loaded) == 1);
}

TEST_CASE("a committed change is published without reading the whole list again", "[zone][follower]") {
  const Folder folder;
  auto store = made(folder.file("a.db"));
  list(store, "192.0.2.1");
  Followed followed(folder.file("a.db"));
  const auto start = std::chrono::steady_clock::now();
  list(store, "192.0.2.2");
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.2"); }));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  WARN("a change was published after " << took.count() << " ms");
  REQUIRE(store.delist(net("192.0.2.1"), kDecision, kNow));
  CHECK(followed.within_ten_seconds([&] { return !followed.is_listed("192.0.2.1"); }));
  REQUIRE(store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, kNow));
  CHECK(followed.within_ten_seconds([&] { return !followed.is_listed("192.0.2.2"); }));
  CHECK(followed.times(Event::loaded) == 1);
  CHECK(followed.reader.get()->index->serial() == store.serial().value());
}

TEST_CASE("the whole list is read if there are too many changes", "[zone][follower]") {
  const Folder folder;
  auto store = made(folder.file("a.db"));
  list(store, "192.0.2.1");
  Followed followed(folder.file("a.db"));
  constexpr std::uint32_t kMany = 100'001;
  std::vector<Prefix> many;
  many.reserve(kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    many.push_back(Prefix::of(IpAddress::from_v4(0x0b000000U + i)));
  }
  // In one commit, so that it can't be read slice by slice.
  store.work_in({.hold = std::chrono::hours{1}, .between = {}});
  REQUIRE(store.list(many, std::nullopt, kDecision, kNow));
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("11.1.134.160"); }));
  CHECK(followed.is_listed("11.0.0.0"));
  CHECK(followed.is_listed("192.0.2.1"));
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::loaded) == 2; }));
  // And from there on by changes again.
  REQUIRE(store.delist(net("11.0.0.0"), kDecision, kNow));
  CHECK(followed.within_ten_seconds([&] { return !followed.is_listed("11.0.0.0"); }));
  CHECK(followed.times(Event::loaded) == 2);
}

TEST_CASE("without a database nothing is published until there is one", "[zone][follower]") {
  const Folder folder;
  Followed followed(folder.file("a.db"));
  CHECK(followed.times(Event::not_ready) == 1);
  CHECK(followed.reader.get() == nullptr);
  auto store = made(folder.file("a.db"));
  list(store, "192.0.2.1");
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.1"); }));
  CHECK(followed.times(Event::not_ready) == 1);
}

TEST_CASE("a database that is deleted leaves the last good list, and is reported as lost once", "[zone][follower]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = made(file);
    list(store, "192.0.2.1");
  }
  Followed followed(file);
  remove_database(file);
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::lost) == 1; }));
  CHECK(followed.is_listed("192.0.2.1"));
  auto store = made(file);
  list(store, "192.0.2.8");
  list(store, "192.0.2.9");
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.9"); }));
  CHECK_FALSE(followed.is_listed("192.0.2.1"));
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::recovered) == 1; }));
  CHECK(followed.times(Event::lost) == 1);
}

TEST_CASE("a database overwritten with rubbish leaves the last good list", "[zone][follower]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = made(file);
    list(store, "192.0.2.1");
  }
  Followed followed(file);
  std::ofstream(file, std::ios::binary | std::ios::trunc) << std::string(65536, '#');
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::lost) == 1; }));
  CHECK(followed.is_listed("192.0.2.1"));
}

TEST_CASE("another database at the same path is read completely, even if its serials continue ours",
          "[zone][follower]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = made(file);
    list(store, "192.0.2.1");
  }
  {
    auto other = made(folder.file("b.db"));
    list(other, "198.51.100.1");
    list(other, "198.51.100.2");
  }
  Followed followed(file);
  remove_database(file);
  fs::rename(folder.file("b.db"), file);
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("198.51.100.1"); }));
  CHECK(followed.is_listed("198.51.100.2"));
  CHECK_FALSE(followed.is_listed("192.0.2.1"));
}

TEST_CASE("a backup copied over the database, whose serial is smaller, isn't served for a while",
          "[zone][follower][serial]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = made(file);
  list(store, "192.0.2.1");
  REQUIRE(store.backup(folder.file("backup.db")));
  REQUIRE(store.list(std::vector{net("192.0.2.2")}, kNow + Duration{60}, kDecision, kNow));
  list(store, "192.0.2.3");
  const bool waits_for_time = GENERATE(false, true);
  Followed followed(file, waits_for_time ? std::chrono::seconds{1} : std::chrono::hours{1});
  REQUIRE(followed.is_listed("192.0.2.2"));
  CHECK(followed.serial() == 3);
  {
    const auto closed = std::move(store);
  }
  remove_database(file);
  fs::copy_file(folder.file("backup.db"), file);
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::held) == 1; }));
  if (!waits_for_time) {
    CHECK(followed.is_listed("192.0.2.3"));
    // Time passes on the former list, too.
    followed.now = kNow + Duration{60};
    CHECK(followed.within_ten_seconds([&] { return !followed.is_listed("192.0.2.2"); }));
    CHECK(followed.is_listed("192.0.2.3"));
    CHECK(followed.serial() == 4);
    // Changes move the serial on, until secondaries can follow.
    auto restored = made(file);
    for (const char* const address : {"192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"}) list(restored, address);
  }
  CHECK(followed.within_ten_seconds([&] { return !followed.is_listed("192.0.2.3"); }));
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::accepted) == 1; }));
  CHECK(followed.is_listed("192.0.2.1"));
  CHECK_FALSE(followed.is_listed("192.0.2.2"));
  CHECK(followed.serial() == (waits_for_time ? 1 : 5));
}

TEST_CASE("a database that is suddenly empty isn't served for a while", "[zone][follower][serial]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = made(file);
    list(store, "192.0.2.1");
  }
  Followed followed(file);
  REQUIRE(followed.is_listed("192.0.2.1"));
  {
    auto empty = made(folder.file("empty.db"));
    for (int i = 0; i < 3; ++i) {
      list(empty, "192.0.2.2");
      REQUIRE(empty.delist(net("192.0.2.2"), kDecision, kNow));
    }
  }
  remove_database(file);
  fs::rename(folder.file("empty.db"), file);
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::held) == 1; }));
  CHECK(followed.is_listed("192.0.2.1"));
  auto filled = made(file);
  list(filled, "192.0.2.3");
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.3"); }));
  CHECK_FALSE(followed.is_listed("192.0.2.1"));
}

TEST_CASE("an operator may end all listings at once", "[zone][follower][serial]") {
  const Folder folder;
  auto store = made(folder.file("a.db"));
  list(store, "192.0.2.1");
  Followed followed(folder.file("a.db"));
  REQUIRE(followed.is_listed("192.0.2.1"));
  REQUIRE(store.delist(net("192.0.2.0/24"), kDecision, kNow));
  CHECK(followed.within_ten_seconds([&] { return !followed.is_listed("192.0.2.1"); }));
  CHECK(followed.times(Event::held) == 0);
}

TEST_CASE("what ends moves the serial at once, and a sweep doesn't move it again", "[zone][follower][serial]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = made(file);
  REQUIRE(store.list(std::vector{net("192.0.2.1"), net("192.0.2.2")}, kNow + Duration{60}, kDecision, kNow));
  REQUIRE(store.exempt(net("198.51.100.1"), kNow + Duration{90}, kDecision, kNow));
  Followed followed(file);
  CHECK(followed.serial() == 3);
  followed.now = kNow + Duration{59};
  list(store, "192.0.2.3");
  CHECK(followed.within_ten_seconds([&] { return followed.serial() == 4; }));
  CHECK(followed.is_listed("192.0.2.1"));
  followed.now = kNow + Duration{60};
  CHECK(followed.within_ten_seconds([&] { return followed.serial() == 6; }));
  CHECK_FALSE(followed.is_listed("192.0.2.1"));
  // Another server, or the same after a restart.
  {
    Followed another(file, std::chrono::hours{1}, kNow + Duration{60});
    CHECK(another.serial() == 6);
  }
  REQUIRE(store.expire(kNow + Duration{60}).value() == 2);
  list(store, "192.0.2.4");
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.4"); }));
  CHECK(followed.serial() == 7);
  // What is listed before it was swept.
  followed.now = kNow + Duration{90};
  CHECK(followed.within_ten_seconds([&] { return followed.serial() == 8; }));
  REQUIRE(store.exempt(net("198.51.100.1"), std::nullopt, kDecision, kNow + Duration{90}));
  CHECK(followed.within_ten_seconds([&] { return followed.serial() == 9; }));
  CHECK(followed.serial() == store.zone_state(kNow + Duration{90}).value().serial());
}

TEST_CASE("what ends is over although the database is lost", "[zone][follower][serial]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = made(file);
    REQUIRE(store.list(std::vector{net("192.0.2.1")}, kNow + Duration{60}, kDecision, kNow));
    list(store, "192.0.2.2");
  }
  Followed followed(file);
  REQUIRE(followed.is_listed("192.0.2.1"));
  remove_database(file);
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::lost) == 1; }));
  followed.now = kNow + Duration{60};
  CHECK(followed.within_ten_seconds([&] { return !followed.is_listed("192.0.2.1"); }));
  CHECK(followed.is_listed("192.0.2.2"));
  CHECK(followed.serial() == 3);
}

TEST_CASE("entries that a clock ahead of time had dropped are there once the clock is right",
          "[zone][follower][clock]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = made(file);
  const UnixTime until = kNow + std::chrono::days{14};
  REQUIRE(store.list(std::vector{net("192.0.2.1"), net("192.0.2.2")}, until, kDecision, kNow));
  REQUIRE(store.list(std::vector{net("198.51.100.0/24")}, std::nullopt, kDecision, kNow));
  REQUIRE(store.exempt(net("198.51.100.1"), until, kDecision, kNow));
  Followed followed(file, std::chrono::hours{1}, kNow + std::chrono::days{40});
  CHECK_FALSE(followed.is_listed("192.0.2.1"));
  CHECK(followed.is_listed("198.51.100.1"));
  CHECK(followed.reader.get()->index->size() == 1);
  followed.now = kNow;
  CHECK(
      followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.1") && followed.is_listed("192.0.2.2"); }));
  CHECK_FALSE(followed.is_listed("198.51.100.1"));
  CHECK(followed.is_listed("198.51.100.2"));
  // And from there on by changes.
  const auto loaded = followed.times(Event::loaded);
  list(store, "192.0.2.3");
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.3"); }));
  CHECK(followed.times(Event::loaded) == loaded);
}

TEST_CASE("a clock that is set back by some minutes lists nothing again, and costs no reading of the whole list",
          "[zone][follower][clock]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = made(file);
  REQUIRE(store.list(std::vector{net("192.0.2.1")}, kNow + Duration{60}, kDecision, kNow));
  Followed followed(file, std::chrono::hours{1}, kNow + std::chrono::minutes{30});
  CHECK_FALSE(followed.is_listed("192.0.2.1"));
  const auto serial = followed.serial();
  followed.now = kNow;
  list(store, "192.0.2.2");
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.2"); }));
  CHECK_FALSE(followed.is_listed("192.0.2.1"));
  CHECK(followed.serial() == serial + 1);
  CHECK(followed.times(Event::loaded) == 1);
}

TEST_CASE("a loss that lasts beyond the limit makes the list stale, until the database is back", "[zone][follower]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = made(file);
    list(store, "192.0.2.1");
  }
  fs::copy_file(file, folder.file("copy.db"));
  Followed followed(file, std::chrono::seconds{1});
  remove_database(file);
  CHECK(followed.within_ten_seconds([&] { return followed.times(Event::stale) == 1; }));
  CHECK(followed.reader.get()->stale);
  REQUIRE(followed.reader.get()->index != nullptr);
  fs::rename(folder.file("copy.db"), file);
  CHECK(followed.within_ten_seconds([&] { return followed.is_listed("192.0.2.1"); }));
}

TEST_CASE("the time since the last successful check is known even if there is nothing new", "[zone][follower]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = made(file);
  list(store, "192.0.2.1");
  zone::Freshness freshness;
  Published<View> view;
  using Clock = zone::Freshness::Clock;
  CHECK_FALSE(freshness.since_looked(Clock::now()));
  CHECK_FALSE(freshness.since_published(Clock::now()));
  CHECK_FALSE(freshness.publishing());
  const Follower follower(
      {.database = file, .stale_after = std::chrono::hours{1}, .freshness = &freshness}, view, [] { return kNow; },
      [](const FollowerReport&) {});
  REQUIRE(freshness.publishing());
  const auto within_ten_seconds = [](auto condition) {
    const auto end = Clock::now() + std::chrono::seconds{10};
    while (!condition() && Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds{5});
    return condition();
  };
  // Another look came since, though nothing was published.
  const auto made_at = Clock::now();
  CHECK(within_ten_seconds([&] { return Clock::now() - *freshness.since_looked(Clock::now()) > made_at; }));
  CHECK(Clock::now() - *freshness.since_published(Clock::now()) <= made_at);
  const auto before = Clock::now();
  list(store, "192.0.2.2");
  CHECK(within_ten_seconds([&] { return Clock::now() - *freshness.since_published(Clock::now()) > before; }));
  // While it can't be read no look counts.
  remove_database(file);
  CHECK(within_ten_seconds([&] { return *freshness.since_looked(Clock::now()) > std::chrono::milliseconds{500}; }));
}

TEST_CASE("a new follower leaves the list of the previous one until it has another", "[zone][follower]") {
  const Folder folder;
  Published<View> view;
  const auto index = index_of({listed("192.0.2.1")});
  view.publish(view_of(index));
  {
    const Follower follower(
        {.database = folder.file("none.db"), .stale_after = std::chrono::hours{1}}, view, [] { return kNow; },
        [](const FollowerReport&) {});
  }
  Published<View>::Reader reader(view);
  REQUIRE(reader.get() != nullptr);
  CHECK_FALSE(reader.get()->index->codes_at(ip("192.0.2.1"), kNow).empty());
}

TEST_CASE("a follower that can't read the database keeps running, and isn't current any more", "[zone][follower]") {
  const Folder folder;
  const auto file = folder.file("b.db");
  auto store = made(file);
  list(store, "192.0.2.1");
  zone::Freshness freshness;
  Published<View> view;
  const Follower follower(
      {.database = file, .stale_after = std::chrono::hours{1}, .freshness = &freshness}, view, [] { return kNow; },
      [](const FollowerReport&) {});
  const auto steady = [] { return std::chrono::steady_clock::now(); };
  const auto wait_for = [&](const auto& condition) {
    const auto end = steady() + std::chrono::seconds{10};
    while (!condition()) {
      if (steady() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
  };
  constexpr std::chrono::milliseconds kLong{600};
  CHECK(wait_for([&] { return freshness.tally().listings[0][static_cast<std::size_t>(Code::by_operator)] == 1; }));
  CHECK(wait_for(
      [&] { return *freshness.since_caught_up(steady()) < kLong && *freshness.since_looked(steady()) < kLong; }));
  list(store, "192.0.2.2");
  CHECK(wait_for([&] { return freshness.tally().listings[0][static_cast<std::size_t>(Code::by_operator)] == 2; }));
  remove_database(file);
  CHECK(wait_for([&] { return *freshness.since_looked(steady()) > kLong; }));
  CHECK(*freshness.since_caught_up(steady()) > kLong);
  CHECK(wait_for([&] { return *freshness.since_turned(steady()) < kLong; }));
}

TEST_CASE("a stuck follower is distinguished from an idle one", "[zone][follower]") {
  const Folder folder;
  const auto file = folder.file("b.db");
  auto store = made(file);
  std::mutex stuck;  // while it is held the follower's thread doesn't get its time, and waits
  zone::Freshness freshness;
  Published<View> view;
  const Follower follower(
      {.database = file, .stale_after = std::chrono::hours{1}, .freshness = &freshness}, view,
      [&] {
        const std::scoped_lock lock(stuck);
        return kNow;
      },
      [](const FollowerReport&) {});
  const auto since_turned = [&] { return *freshness.since_turned(std::chrono::steady_clock::now()); };
  const auto wait_for = [&](const auto& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
  };
  constexpr std::chrono::milliseconds kLong{600};
  {
    const std::scoped_lock lock(stuck);
    CHECK(wait_for([&] { return since_turned() > kLong; }));
  }
  CHECK(wait_for([&] { return since_turned() < kLong; }));
}
