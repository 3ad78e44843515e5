// Decisions in slices: whatever happens between two of them, the end is what one transaction would have made of it.
#include "schema_fixture.h"
#include "score/replay.h"

#include <sqlite3.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <random>
#include <string>
#include <sys/resource.h>
#include <vector>

using namespace blowback;
using namespace blowback::schema_test;
using Outcome = schema::Undone::Outcome;
using schema::Store;
using schema::StoreError;

namespace {

const schema::Decision kRegret{.who = "olga", .reason = "a mistake"};

/// All that a database says, as text in order.
std::string dump(const std::string& file) {
  std::string text;
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
  for (const char* const sql :
       {"SELECT hex(first), length, source, codes, listed_at, expires_at, audit_id FROM listing ORDER BY 1, 2, 3",
        "SELECT hex(first), length, since, expires_at, audit_id FROM exemption ORDER BY 1, 2",
        "SELECT hex(sender), score, at, times_listed, listed_at, listed_until, afresh_since FROM standing ORDER BY 1",
        "SELECT hex(sender), dimension, key, amount, at, last_at, incidents FROM standing_part ORDER BY 1, 2, 3",
        "SELECT hex(digest), credit FROM incident ORDER BY 1",
        "SELECT serial, action, hex(first), length, source, codes, expires_at, audit_id FROM listing_change ORDER BY 1",
        "SELECT id, at, who, action, subject, reason, until, changes, undoes FROM audit ORDER BY 1",
        "SELECT * FROM unfinished"}) {
    sqlite3_stmt* rows = nullptr;
    REQUIRE(sqlite3_prepare_v2(db, sql, -1, &rows, nullptr) == SQLITE_OK);
    while (sqlite3_step(rows) == SQLITE_ROW) {
      for (int i = 0; i < sqlite3_column_count(rows); ++i) {
        const auto* const cell = reinterpret_cast<const char*>(sqlite3_column_text(rows, i));
        text += (cell == nullptr ? "-" : std::string(cell)) + " ";
      }
      text += "\n";
    }
    sqlite3_finalize(rows);
    text += "\n";
  }
  sqlite3_close(db);
  return text;
}

/// Files of this process can't grow beyond `octets` while it lives: writes fail as on a full disk.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t octets) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit limited = before_;
    limited.rlim_cur = octets;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limited) == 0);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

/// A slice for each step; `between` is called after each but the last.
void in_single_steps(Store& store, std::function<bool()> between) {
  store.work_in({.hold = std::chrono::milliseconds{50},
                 .rest = std::chrono::milliseconds{0},
                 .most_steps = 1,
                 .between = [between = std::move(between)](std::uint64_t, std::uint64_t) { return between(); }});
}

std::string address(int i) { return "192.0.2." + std::to_string(i); }

/// Twenty senders that are listed, and listings by the operator around them.
void fill(Store& store) {
  for (int i = 1; i <= 20; ++i) {
    record(store, {incident(address(i), 3 * i), incident(address(i), 3 * i + 1), incident(address(i), 3 * i + 2)});
  }
  const std::vector<Prefix> some{net("192.0.2.1"), net("192.0.2.4"), net("192.0.2.0/28"), net("198.51.100.7")};
  value(store.list(some, kNow + std::chrono::days{3}, {.who = "operator", .reason = "before"}, kNow));
}

/// The decisions that are taken in slices, each on its own: a name and what takes it.
struct Case {
  std::string name;
  std::function<schema::Result<std::uint64_t>(Store&)> decide;
};
const std::vector<Prefix> kFile{net("192.0.2.1"), net("192.0.2.2"), net("192.0.2.3"), net("192.0.2.4"),
                                net("203.0.113.0/24")};
std::vector<Case> cases() {
  const UnixTime at = kNow + Duration{100};
  const auto import = [=](Store& store) -> schema::Result<std::uint64_t> {
    const auto listed = store.list(kFile, at + Duration{9999}, kDecision, at, "file.txt");
    if (!listed) return std::unexpected(listed.error());
    return listed->standing;
  };
  return {{"import", import},
          {"delist", [=](Store& store) { return store.delist(net("192.0.2.0/24"), kDecision, at); }},
          {"exempt", [=](Store& store) { return store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, at); }}};
}

std::uint64_t latest(Store& store) { return value(store.audit(1)).at(0).id; }

schema::Result<schema::Undone> undo(Store& store, std::uint64_t id, UnixTime now = kNow + Duration{200}) {
  return store.undo(id, kRegret, demonstration(), &score::reckon, now);
}

bool any_unfinished(Store& store) {
  return std::ranges::any_of(value(store.audit(100)), [](const auto& entry) { return entry.unfinished; });
}

}  // namespace

TEST_CASE("a decision in slices of one step has the same result as in one transaction", "[schema][slices]") {
  const Folder folder;
  for (const auto& one : cases()) {
    INFO(one.name);
    auto whole = open(folder.file(one.name + "-whole.db"));
    auto sliced = open(folder.file(one.name + "-sliced.db"));
    fill(whole);
    fill(sliced);
    std::size_t slices = 1;
    in_single_steps(sliced, [&] {
      ++slices;
      auto reader = open(folder.file(one.name + "-sliced.db"), Store::Mode::read);
      CHECK(value(reader.check_integrity()).empty());
      CHECK(value(reader.audit(1)).at(0).unfinished);
      return true;
    });
    CHECK(value(one.decide(whole)) == value(one.decide(sliced)));
    CHECK(slices >= kFile.size());
    CHECK(dump(folder.file(one.name + "-whole.db")) == dump(folder.file(one.name + "-sliced.db")));
    slices = 1;
    REQUIRE(value(undo(whole, latest(whole))).outcome == Outcome::undone);
    REQUIRE(value(undo(sliced, latest(sliced))).outcome == Outcome::undone);
    CHECK(slices >= kFile.size());
    CHECK(dump(folder.file(one.name + "-whole.db")) == dump(folder.file(one.name + "-sliced.db")));
    CHECK_FALSE(any_unfinished(sliced));
  }
}

TEST_CASE("a decision that was interrupted at any step is continued with the same entry when it is made again",
          "[schema][slices]") {
  const Folder folder;
  for (const auto& one : cases()) {
    INFO(one.name);
    const auto whole_file = folder.file(one.name + "-whole.db");
    const auto file = folder.file(one.name + "-interrupted.db");
    auto whole = open(whole_file);
    fill(whole);
    const auto result = value(one.decide(whole));
    {
      auto interrupted = open(file);
      fill(interrupted);
      in_single_steps(interrupted, [] { return false; });
      std::size_t interruptions = 0;
      auto decided = one.decide(interrupted);
      for (; !decided && interruptions < 5; decided = one.decide(interrupted)) {
        REQUIRE(decided.error().code == StoreError::Code::stopped);
        CHECK(any_unfinished(interrupted));
        ++interruptions;
      }
      // An import goes through its file from the beginning, a step at a time: this lets it come to its end.
      interrupted.work_in({});
      if (!decided) decided = one.decide(interrupted);
      CHECK(interruptions == 5);
      CHECK(value(decided) == result);
      CHECK(value(interrupted.audit(100)).size() == value(whole.audit(100)).size());
      CHECK(dump(file) == dump(whole_file));
    }
    REQUIRE(value(undo(whole, latest(whole))).outcome == Outcome::undone);
    auto interrupted = open(file);
    in_single_steps(interrupted, [] { return false; });
    const auto id = latest(interrupted);
    std::size_t interruptions = 0;
    auto undone = undo(interrupted, id);
    for (; !undone; undone = undo(interrupted, id)) ++interruptions;
    CHECK(undone->outcome == Outcome::undone);
    CHECK(interruptions >= kFile.size());
    CHECK(dump(file) == dump(whole_file));
    CHECK(value(undo(interrupted, id)).outcome == Outcome::already);
  }
}

TEST_CASE("an incident between two slices of a delisting counts, and what came before doesn't", "[schema][slices]") {
  const Folder folder;
  const UnixTime decided = kNow + Duration{10};
  const UnixTime later = kNow + Duration{20};
  for (int stop = 1; stop <= 60; stop += 7) {
    INFO(stop);
    const auto file = folder.file(std::to_string(stop) + ".db");
    const auto first_file = folder.file(std::to_string(stop) + "-delisted-first.db");
    auto store = open(file);
    auto other = open(file);
    auto first = open(first_file);
    fill(store);
    fill(first);
    const auto receive = [&](Store& into) {
      // Of who is listed by now, who has two of three, who is new, and who is new and had sent before the decision.
      record(into,
             {incident(address(3), 901, later), incident(address(3), 902, later), incident(address(3), 903, later)},
             later);
      record(into, {incident(address(19), 904, later), incident(address(19), 905, later)}, later);
      record(into,
             {incident(address(77), 906, later), incident(address(77), 907, later), incident(address(77), 908, later)},
             later);
    };
    int slices = 0;
    in_single_steps(store, [&] {
      if (++slices == stop) receive(other);
      return true;
    });
    value(store.delist(net("192.0.2.0/24"), kDecision, decided));
    if (slices < stop) break;
    value(first.delist(net("192.0.2.0/24"), kDecision, decided));
    receive(first);
    for (auto* each : {&store, &first}) {
      const auto now_listed = snapshot(*each, later).listings;
      REQUIRE(now_listed.size() == 3);
      CHECK(now_listed.at(0).prefix == net(address(3)));
      CHECK(now_listed.at(1).prefix == net(address(77)));
      CHECK(value(each->check_integrity()).empty());
    }
    for (const int i : {3, 19, 77}) {
      const auto is = value(store.dossier(ip(address(i)), 10));
      const auto would_be = value(first.dossier(ip(address(i)), 10));
      CHECK(is.standing->score.amount == would_be.standing->score.amount);
      CHECK(is.standing->times_listed == would_be.standing->times_listed);
      CHECK(is.witnesses.size() == would_be.witnesses.size());
    }
  }
}

TEST_CASE("an exemption is in force from the first slice on", "[schema][slices]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  fill(store);
  std::size_t slices = 0;
  in_single_steps(store, [&] {
    ++slices;
    auto reader = open(folder.file("a.db"), Store::Mode::read);
    for (int i = 1; i <= 20; ++i) CHECK(value(reader.check(ip(address(i)), kNow)).empty());
    return true;
  });
  value(store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, kNow));
  CHECK(slices > 20);
}

TEST_CASE("an exemption that is ended during its slices leaves the other listings", "[schema][slices]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  fill(store);
  const auto before = snapshot(store, kNow).listings.size();
  int slices = 0;
  in_single_steps(store, [&] {
    if (++slices == 5) {
      auto other = open(folder.file("a.db"));
      CHECK(value(other.end_exemption(net("192.0.2.0/24"), kRegret, kNow)));
    }
    return true;
  });
  CHECK(value(store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, kNow)) == 5);
  CHECK(slices == 5);
  CHECK(snapshot(store, kNow).listings.size() == before - 5);
  CHECK_FALSE(any_unfinished(store));
}

TEST_CASE("a decision that is undone during its slices stops, and its changes are undone", "[schema][slices]") {
  const Folder folder;
  for (const auto& one : cases()) {
    INFO(one.name);
    const auto file = folder.file(one.name + ".db");
    auto store = open(file);
    fill(store);
    const auto before = snapshot(store, kNow + Duration{200}).listings;
    int slices = 0;
    in_single_steps(store, [&] {
      if (++slices == 3) {
        auto other = open(file);
        CHECK(value(undo(other, latest(other))).outcome == Outcome::undone);
      }
      return true;
    });
    const auto decided = one.decide(store);
    REQUIRE_FALSE(decided);
    CHECK(decided.error().code == StoreError::Code::stopped);
    CHECK(slices == 3);
    CHECK(snapshot(store, kNow + Duration{200}).listings == before);
    CHECK_FALSE(any_unfinished(store));
    CHECK(value(store.check_integrity()).empty());
  }
}

TEST_CASE("an abandoned decision is carried on by another process, unless it is an import", "[schema][slices]") {
  const Folder folder;
  for (const auto& one : cases()) {
    INFO(one.name);
    const auto file = folder.file(one.name + ".db");
    auto store = open(file);
    fill(store);
    in_single_steps(store, [] { return false; });
    REQUIRE_FALSE(one.decide(store));
    auto keeper = open(file);
    keeper.work_in({.rest = {}, .most_steps = 3, .between = {}});
    const auto carry_on = [&] { return value(keeper.carry_on(demonstration(), &score::reckon, kNow + Duration{300})); };
    // Looked at for the first time it may be under way.
    CHECK(carry_on().slices == 0);
    if (one.name == "import") {
      CHECK(carry_on().slices == 0);
      CHECK(any_unfinished(keeper));
      continue;
    }
    REQUIRE_FALSE(one.decide(store));  // somebody works on it
    CHECK(carry_on().slices == 0);
    int slices = 0;
    std::optional<std::uint64_t> finished;
    for (; !finished && slices < 100; ++slices) {
      const auto carried = carry_on();
      REQUIRE(carried.slices == 1);
      finished = carried.finished;
    }
    CHECK(slices > 3);
    CHECK(finished == latest(keeper));
    CHECK_FALSE(any_unfinished(keeper));
    CHECK(carry_on().slices == 0);

    // And its undo likewise.
    const auto id = latest(store);
    REQUIRE_FALSE(undo(store, id));
    CHECK(carry_on().slices == 0);
    for (finished.reset(); !finished;) finished = carry_on().finished;
    CHECK(value(undo(store, id)).outcome == Outcome::already);

    auto whole = open(folder.file(one.name + "-whole.db"));
    fill(whole);
    value(one.decide(whole));
    value(undo(whole, id));
    CHECK(snapshot(store, kNow + Duration{300}).listings == snapshot(whole, kNow + Duration{300}).listings);
    CHECK(value(store.check_integrity()).empty());
  }
}

TEST_CASE("the same decision after an hour is a new one, and so is one with another reason", "[schema][slices]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  fill(store);
  in_single_steps(store, [] { return false; });
  REQUIRE_FALSE(store.delist(net("192.0.2.0/24"), kDecision, kNow));
  const auto first = latest(store);
  REQUIRE_FALSE(store.delist(net("192.0.2.0/24"), kDecision, kNow + Duration{3599}));
  CHECK(latest(store) == first);
  REQUIRE_FALSE(store.delist(net("192.0.2.0/24"), kRegret, kNow + Duration{3599}));
  CHECK(latest(store) == first + 1);
  REQUIRE_FALSE(store.delist(net("192.0.2.0/24"), kDecision, kNow + Duration{3601}));
  CHECK(latest(store) == first + 2);
}

TEST_CASE("a sweep ends with its slice, and continues at the next call", "[schema][slices]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> many;
  for (int i = 0; i < 40; ++i) many.push_back(net("192.0.2." + std::to_string(i)));
  value(store.list(many, kNow + Duration{60}, kDecision, kNow));
  value(store.exempt(net("198.51.100.0/24"), kNow + Duration{60}, kDecision, kNow));
  store.work_in({.most_steps = 10, .between = {}});
  for (int i = 0; i < 4; ++i) CHECK(value(store.expire(kNow + Duration{60})) == 10);
  CHECK(value(store.expire(kNow + Duration{60})) == 1);
  CHECK(value(store.expire(kNow + Duration{60})) == 0);
  CHECK(snapshot(store, kNow).listings.empty());
}

TEST_CASE("an import on a full disk reports how far it came, and is continued from there", "[schema][slices][mishap]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> many;
  for (std::uint32_t i = 0; i < 20'000; ++i) many.push_back(Prefix::of(IpAddress::from_v4(0x0b000000U + i)));
  std::string failure;
  {
    const SmallFiles limited(1U << 20U);
    store.work_in(
        {.rest = std::chrono::milliseconds{0}, .most_steps = 500, .between = [](auto, auto) { return true; }});
    const auto listed = store.list(many, std::nullopt, kDecision, kNow, "file.txt");
    REQUIRE_FALSE(listed);
    CHECK(listed.error().code == StoreError::Code::full);
    failure = listed.error().text;
  }
  const auto entry = value(store.audit(1)).at(0);
  CHECK(entry.unfinished);
  CHECK(entry.changes > 0);
  CHECK(entry.changes < many.size());
  CHECK_THAT(failure, Catch::Contains("after " + std::to_string(entry.changes) + " of 20000 steps of entry " +
                                      std::to_string(entry.id)));
  CHECK(value(store.list(many, std::nullopt, kDecision, kNow, "file.txt")).standing == many.size());
  CHECK(value(store.audit(1)).at(0).id == entry.id);
  CHECK(value(store.unfinished()).empty());
}

TEST_CASE("progress reports the number of steps", "[schema][slices]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  fill(store);
  std::uint64_t last = 0;
  std::uint64_t all = 0;
  store.work_in({.rest = {}, .most_steps = 10, .between = [&](std::uint64_t done, std::uint64_t of) {
                   CHECK(done == last + 10);
                   last = done;
                   all = of;
                   return true;
                 }});
  value(store.delist(net("192.0.2.0/24"), kDecision, kNow));
  // 20 listings of senders, 3 of the operator, 20 standings.
  CHECK(all == 43);
  CHECK(last == 40);
}

TEST_CASE("a list that is read in slices is current once the changes since its serial are applied",
          "[schema][slices][follow]") {
  const std::vector<std::string> networks{"192.0.2.0/24",    "192.0.2.0/28", "192.0.2.9",     "198.51.100.0/24",
                                          "198.51.100.7/32", "0.0.0.0/0",    "2001:db8::/32", "2001:db8::/64"};
  std::mt19937 random(20261127);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  const auto draw = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  for (int round = 0; round < 30; ++round) {
    const Folder folder;
    const auto file = folder.file("a.db");
    auto writer = open(file);
    fill(writer);
    int number = 1'000;
    const auto change = [&] {
      const Prefix network = net(networks[draw(networks.size())]);
      const auto choice = draw(6);
      if (choice == 0) value(writer.delist(network, kDecision, kNow, Permission::wide));
      if (choice == 1) value(writer.exempt(network, std::nullopt, kDecision, kNow, Permission::wide));
      if (choice == 2) value(writer.end_exemption(network, kDecision, kNow));
      if (choice == 3) value(writer.list({&network, 1}, std::nullopt, kDecision, kNow, {}, Permission::wide));
      if (choice == 4) static_cast<void>(value(undo(writer, 1 + draw(latest(writer)), kNow)));
      if (choice == 5) record(writer, {incident(address(static_cast<int>(1 + draw(30))), ++number)});
    };
    for (int i = 0; i < 10; ++i) change();
    auto reader = open(file, Store::Mode::read);
    reader.work_in({.most_steps = 1 + draw(4), .between = {}});
    using Entry = std::pair<CodeSet, std::optional<UnixTime>>;
    std::map<std::pair<std::string, int>, Entry> listings;
    std::map<std::string, std::optional<UnixTime>> exemptions;
    const auto visit = [&](const Listing& listing) {
      listings[{listing.prefix.to_string(), static_cast<int>(listing.source)}] = {listing.codes, listing.expires_at};
      if (draw(3) == 0) change();
    };
    const Serial serial = value(reader.snapshot_in_slices(kNow, visit, [&](const Exemption& exemption) {
      exemptions[exemption.prefix.to_string()] = exemption.expires_at;
    }));
    for (const auto& said : value(reader.changes_since(serial, 1'000'000))) {
      using enum ListingChange::Action;
      const std::pair key{said.prefix.to_string(), static_cast<int>(said.source)};
      if (said.action == exempted) exemptions[key.first] = said.expires_at;
      if (said.action == exemption_ended) exemptions.erase(key.first);
      if (said.action == listed || said.action == prolonged) listings[key] = {said.codes, said.expires_at};
      if (said.action == delisted || said.action == expired) listings.erase(key);
    }
    const auto now = snapshot(reader, kNow);
    CHECK(listings.size() == now.listings.size());
    for (const auto& listing : now.listings) {
      CHECK(listings[{listing.prefix.to_string(), static_cast<int>(listing.source)}] ==
            Entry{listing.codes, listing.expires_at});
    }
    CHECK(exemptions.size() == now.exemptions.size());
    for (const auto& exemption : now.exemptions) {
      CHECK(exemptions[exemption.prefix.to_string()] == exemption.expires_at);
    }
  }
}

TEST_CASE("an import after an unfinished delisting stays listed", "[schema][slices]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> many;
  for (std::uint32_t i = 0; i < 600; ++i) many.push_back(Prefix::of(IpAddress::from_v4(0x0b000000U + i)));
  const auto stopped_half_way = [&](auto decide) {
    int slices = 0;
    store.work_in(
        {.rest = {}, .most_steps = 100, .between = [&](std::uint64_t, std::uint64_t) { return ++slices < 3; }});
    REQUIRE(decide().error().code == schema::StoreError::Code::stopped);
    store.work_in({.rest = {}, .between = {}});
  };
  const auto import = [&] { return store.list(many, std::nullopt, kDecision, kNow, "list.txt"); };
  stopped_half_way(import);
  stopped_half_way([&] { return store.delist(net("11.0.0.0/16"), kDecision, kNow); });
  value(import());
  while (true) {
    if (value(store.carry_on(demonstration(), &score::reckon, kNow)).finished) break;
  }
  CHECK(value(store.stats(kNow)).listings_by_operator == 600);
}
