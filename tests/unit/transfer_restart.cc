// After a restart, a difference from a version that was served before is exactly what differs, or there is none: the secondary gets the whole zone.
#include "catch.h"
#include "evolving_list.h"
#include "folder.h"
#include "schema_fixture.h"
#include "sql_by_hand.h"
#include "transfer/zone_difference.h"
#include "zone/follower.h"
#include "zone/history.h"
#include "zone/version_log.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace blowback;
using test::Folder;
using test::listed_names;
using zone::View;

namespace {

namespace fs = std::filesystem;
using schema_test::kNow;
using schema_test::net;
using schema_test::value;

const schema::Decision kDecision{.who = "operator", .reason = "a test"};
constexpr std::size_t kMostVersions = 1'000;

/// Names and their codes.
using Names = std::map<std::string, std::uint32_t>;

Names names_of(const View& view) {
  Names names;
  for (const auto& name : listed_names(*view.index, view.as_of)) names[name.subject.to_string()] = name.codes.bits();
  return names;
}

/// What a secondary has that had `former` and got the difference.
Names after_difference(Names former, const zone::History::Since& since, const View& present) {
  transfer::ZoneDifference difference({.index = *since.view.index, .at = since.view.as_of},
                                      {.index = *present.index, .at = present.as_of}, since.touched);
  while (const auto name = difference.next()) {
    auto& codes = former[name->subject.to_string()];
    // A record is removed only if it is there, and added only if it isn't (RFC 1995 §4).
    CHECK((name->removed().bits() & ~codes) == 0);
    CHECK((name->added().bits() & codes) == 0);
    codes = (codes & ~name->removed().bits()) | name->added().bits();
  }
  std::erase_if(former, [](const auto& name) { return name.second == 0; });
  return former;
}

/// From a start to a stop, or a crash: nothing is written at the end.
class Run {
 public:
  Run(const std::string& database, const std::atomic<UnixTime>& now, const std::string& zone = "a zone") {
    REQUIRE(versions_.open(database + ".served", zone, kMostVersions));
    follower_ = std::make_unique<zone::Follower>(
        zone::Follower::Settings{
            .database = database, .stale_after = std::chrono::hours{1}, .history = &history_, .versions = &versions_},
        published_, [&now] { return now.load(); },
        [this](const zone::FollowerReport& report) {
          if (report.event == zone::FollowerReport::Event::recalled) ++recalled_;
        });
    wait_for([this] { return recalled_ > 0; });
  }

  template <typename Condition>
  void wait_for(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) FAIL("waited in vain");
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
  /// Once it serves what the database has at `now`.
  View view(schema::Store& store, UnixTime now) {
    const auto state = value(store.zone_state(now));
    wait_for([&] {
      const auto* const view = reader_.get();
      return view != nullptr && view->index && view->index->serial() == state.journal && view->serial == state.serial();
    });
    return *reader_.get();
  }
  View view() { return *reader_.get(); }
  zone::History& history() { return history_; }

 private:
  std::atomic<int> recalled_ = 0;
  zone::History history_{kMostVersions};
  zone::VersionLog versions_;
  zone::Published<View> published_;
  zone::Published<View>::Reader reader_{published_};
  std::unique_ptr<zone::Follower> follower_;  // last: it uses the others
};

/// Decisions, mail and sweeps at random.
class Doings {
 public:
  Doings(schema::Store& store, unsigned seed) : store_(store), random_(seed) {}

  int below(unsigned end) { return static_cast<int>(random_() % end); }

  void one(UnixTime now, bool with_retention) {
    const auto address = "192.0.2." + std::to_string(below(6));
    auto network = address;
    if (below(3) == 0) network = "192.0.2.0/" + std::to_string(24 + below(8));
    if (below(8) == 0) network = "2001:db8::" + std::to_string(below(3)) + "/" + std::to_string(124 + below(5));
    const auto prefix = Prefix::covering(*IpAddress::parse(network.substr(0, network.find('/'))),
                                         network.contains('/') ? std::stoi(network.substr(network.find('/') + 1)) : 32);
    const auto until = below(4) == 0 ? std::nullopt : std::optional(now + Duration{1 + below(60)});
    switch (below(with_retention ? 10 : 9)) {
      case 0:
      case 1:
      case 2:
        value(store_.list(std::vector{prefix}, until, kDecision, now));
        break;
      case 3:
        value(store_.exempt(prefix, until, kDecision, now));
        break;
      case 4:
        static_cast<void>(value(store_.delist(prefix, kDecision, now)));
        break;
      case 5:
        static_cast<void>(value(store_.end_exemption(prefix, kDecision, now)));
        break;
      case 6: {
        std::vector<Incident> incidents;
        for (int i = 0; i < 4; ++i) incidents.push_back(schema_test::incident(address, ++number_, now));
        schema_test::record(store_, std::move(incidents), now);
        break;
      }
      case 7: {
        const auto audit = value(store_.audit(5));
        if (audit.empty()) break;
        const auto id = audit.at(static_cast<std::size_t>(below(static_cast<unsigned>(audit.size())))).id;
        static_cast<void>(value(store_.undo(id, kDecision, schema_test::demonstration(), &score::reckon, now)));
        break;
      }
      case 8:
        static_cast<void>(value(store_.expire(now)));
        break;
      default:
        schema_test::keep_up(store_, now, {.journal = Duration{90}});
    }
  }

 private:
  schema::Store& store_;
  std::mt19937 random_;
  int number_ = 0;
};

void list(schema::Store& store, const std::string& network, UnixTime now,
          std::optional<UnixTime> until = std::nullopt) {
  value(store.list(std::vector{net(network)}, until, kDecision, now));
}

}  // namespace

TEST_CASE("a difference from any version before restarts gives the present zone", "[transfer][restart]") {
  std::size_t answered = 0;
  std::size_t unproven = 0;
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    CAPTURE(seed);
    const bool with_retention = seed % 2 == 0;
    const Folder folder;
    const auto database = folder.file("a.db");
    auto store = schema_test::open(database);
    Doings doings(store, seed);
    std::atomic<UnixTime> now{kNow};
    std::map<Serial, Names> served;
    list(store, "192.0.2.5", kNow);  // an empty journal has no entry that could prove anything
    const auto pass = [&](unsigned seconds) { now = now.load() + Duration{doings.below(seconds)}; };
    for (int start = 0; start < 6; ++start) {
      // While no server runs.
      for (int step = start == 0 ? 0 : doings.below(12); step > 0; --step) {
        doings.one(now, with_retention);
        if (doings.below(2) == 0) pass(20);
      }
      if (doings.below(3) == 0) pass(9'000);
      Run run(database, now);
      const auto check = [&] {
        const auto present = run.view(store, now);
        const auto names = names_of(present);
        const auto [known, is_new] = served.emplace(present.serial, names);
        CHECK(known->second == names);
        for (const auto& [serial, former] : served) {
          if (serial == present.serial) continue;
          CAPTURE(serial, present.serial);
          const auto since = run.history().since(static_cast<std::uint32_t>(serial), present);
          if (!since) {
            ++unproven;
            CHECK(with_retention);
            continue;
          }
          ++answered;
          CHECK(names_of(since->view) == former);
          CHECK(after_difference(former, *since, present) == names);
        }
      };
      check();
      for (int step = 0; step < 10; ++step) {
        doings.one(now, with_retention);
        const auto present = run.view(store, now);
        served.emplace(present.serial, names_of(present));
        if (doings.below(3) > 0) pass(20);
        if (step % 4 == 3) check();
      }
    }
    CHECK(served.size() > 30);
  }
  // That it checks many; how many depends on which versions the follower came to see.
  CHECK(answered > 600);
  CHECK(unproven > 0);
  WARN(answered << " differences were checked, " << unproven << " couldn't be proven");
}

TEST_CASE("no difference is derived from a journal that isn't the one of before", "[transfer][restart]") {
  const Folder folder;
  const auto database = folder.file("a.db");
  std::atomic<UnixTime> now{kNow};
  Serial served = 0;
  {
    auto store = schema_test::open(database);
    list(store, "192.0.2.1", kNow);
    REQUIRE(store.backup(folder.file("backup")));
    list(store, "192.0.2.2", kNow);
    Run run(database, now);
    served = run.view(store, kNow).serial;
    list(store, "192.0.2.3", kNow);
    static_cast<void>(run.view(store, kNow));
  }
  const auto since = [&](Run& run) {
    return run.history().since(static_cast<std::uint32_t>(served), run.view()).has_value();
  };
  SECTION("it is the same") {
    Run run(database, now);
    CHECK(since(run));
  }
  SECTION("the backup was copied back, and the journal went on in another way") {
    for (const auto* const suffix : {"", "-wal", "-shm"}) fs::remove(database + suffix);
    fs::copy_file(folder.file("backup"), database);
    auto store = schema_test::open(database);
    for (const auto* const network : {"192.0.2.7", "192.0.2.8", "192.0.2.9"}) list(store, network, kNow);
    Run run(database, now);
    CHECK_FALSE(since(run));
  }
  SECTION("the backup was restored") {
    REQUIRE(schema::Store::restore(folder.file("backup"), database, kNow));
    Run run(database, now);
    CHECK_FALSE(since(run));
  }
  SECTION("an entry in between is missing") {
    auto store = schema_test::open(database);
    list(store, "192.0.2.4", kNow);
    list(store, "192.0.2.5", kNow);
    schema_test::run_sql(database, "DELETE FROM listing_change WHERE serial = 4");
    Run run(database, now);
    CHECK_FALSE(since(run));
  }
  SECTION("the clock was set back") {
    now = kNow - Duration{5};
    Run run(database, now);
    CHECK_FALSE(since(run));
  }
  SECTION("the zone has other records of its own") {
    Run run(database, now, "another zone");
    CHECK_FALSE(since(run));
  }
  SECTION("the log is damaged") {
    {
      std::fstream log(database + ".served", std::ios::in | std::ios::out | std::ios::binary);
      log.seekp(3);
      log.put('x');
    }
    Run run(database, now);
    CHECK_FALSE(since(run));
  }
}

TEST_CASE("a version is known after a restart although what it lists has ended and was swept", "[transfer][restart]") {
  const Folder folder;
  const auto database = folder.file("a.db");
  auto store = schema_test::open(database);
  std::atomic<UnixTime> now{kNow};
  list(store, "192.0.2.1", kNow, kNow + Duration{60});
  list(store, "192.0.2.2", kNow, kNow + std::chrono::hours{3});
  list(store, "192.0.2.3", kNow);
  View former;
  {
    Run run(database, now);
    former = run.view(store, kNow);
  }
  now = kNow + std::chrono::hours{5};
  value(store.expire(kNow + Duration{60}));  // the other one has ended long ago, and isn't swept
  Run run(database, now);
  const auto present = run.view(store, now);
  const auto since = run.history().since(former.soa_serial(), present);
  REQUIRE(since);
  CHECK(names_of(since->view).size() == 3);
  CHECK(after_difference(names_of(former), *since, present) == names_of(present));
  CHECK(names_of(present).size() == 1);
}

TEST_CASE("a clock that is set back far is believed, however old the log is", "[transfer][restart]") {
  const Folder folder;
  const auto database = folder.file("a.db");
  auto store = schema_test::open(database);
  std::atomic<UnixTime> now{kNow};
  list(store, "192.0.2.1", kNow, kNow + std::chrono::hours{10});
  list(store, "192.0.2.2", kNow);
  {
    Run run(database, now);
    CHECK(names_of(run.view(store, now)).size() == 2);
  }
  now = kNow + std::chrono::hours{15};
  Run run(database, now);
  CHECK(names_of(run.view(store, now)).size() == 1);
  now = kNow + std::chrono::hours{8};
  list(store, "192.0.2.3", now);
  CHECK(names_of(run.view(store, now)).size() == 3);
}

TEST_CASE("what retention has removed from the journal isn't guessed", "[transfer][restart]") {
  const Folder folder;
  const auto database = folder.file("a.db");
  auto store = schema_test::open(database);
  const Retention retention{.journal = std::chrono::minutes{10}};
  std::atomic<UnixTime> now{kNow};
  const auto wait = [&] { now = now.load() + std::chrono::hours{1}; };
  list(store, "192.0.2.1", now);
  list(store, "192.0.2.2", now);
  list(store, "198.51.100.1", now);
  wait();
  schema_test::keep_up(store, now, retention);  // what is listed keeps its entry
  value(store.delist(net("192.0.2.1"), kDecision, now));
  list(store, "198.51.100.2", now);
  wait();
  schema_test::keep_up(store, now, retention);  // the delisting is gone, and the listing before it isn't
  list(store, "198.51.100.3", now);
  View former;
  {
    Run run(database, now);
    former = run.view(store, now);
  }
  const auto since = [&](Run& run) { return run.history().since(former.soa_serial(), run.view(store, now)); };
  SECTION("a listing may have been there, or not") {
    list(store, "192.0.2.1", now);
    Run run(database, now);
    CHECK_FALSE(since(run));
  }
  SECTION("what an operator ended was there") {
    value(store.delist(net("192.0.2.2"), kDecision, now));
    Run run(database, now);
    const auto found = since(run);
    REQUIRE(found);
    CHECK(names_of(found->view) == names_of(former));
    CHECK(after_difference(names_of(former), *found, run.view()) == names_of(run.view()));
  }
}

TEST_CASE("as many versions survive a restart as are kept", "[transfer][restart]") {
  const Folder folder;
  const auto path = folder.file("a.served");
  const auto index = std::make_shared<const zone::ListingIndex>();
  const auto add = [&](zone::VersionLog& log, Serial serial) {
    log.add({.index = index, .serial = serial, .as_of = kNow}, {});
  };
  {
    zone::VersionLog log;
    REQUIRE(log.open(path, "zone", 3));
    for (Serial serial = 1; serial <= 5; ++serial) add(log, serial);
    zone::VersionLog second;
    CHECK_FALSE(second.open(path, "zone", 3));
  }
  CHECK(fs::file_size(path) == 3 * 56);
  zone::VersionLog log;
  REQUIRE(log.open(path, "zone", 4));
  REQUIRE(log.records().size() == 3);
  CHECK(log.records().front().serial == 3);
  add(log, 6);
  add(log, 6);
  add(log, 7);
  CHECK(log.records().size() == 4);
  CHECK(log.records().back().serial == 7);
  CHECK(log.proves(log.records().back(), {}));
  CHECK_FALSE(log.proves(log.records().back(), {.at = kNow}));
  // A serial that is smaller than one that was served may be any zone's.
  add(log, 5);
  CHECK(log.records().size() == 1);
  log.begin_zone("another");
  CHECK(log.records().empty());
}
