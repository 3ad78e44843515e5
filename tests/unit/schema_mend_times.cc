// What a wrong clock leaves behind, and what is there again once the clock is right.
#include "catch.h"
#include "schema_fixture.h"
#include "score/replay.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace blowback;
using namespace blowback::schema_test;
using schema::Mended;
using schema::Undone;

namespace {

constexpr Duration kDay = std::chrono::days{1};
/// Ahead by so much, or behind.
const std::vector<Duration> kErrors{40 * kDay, 11 * 365 * kDay, 80 * 365 * kDay, -kDay};

std::vector<Listing> listed(schema::Store& store, UnixTime now = kNow) {
  std::vector<Listing> listings;
  REQUIRE(store.for_each_listing({}, now, [&](const Listing& listing) { listings.push_back(listing); }));
  return listings;
}

void offend(schema::Store& store, const std::string& address, int from, UnixTime at = kNow, UnixTime now = kNow) {
  record(store, {incident(address, from, at), incident(address, from + 1, at), incident(address, from + 2, at)}, now);
}

/// As the daemon does it.
Mended sweep(schema::Store& store, UnixTime now) {
  const auto mended = value(store.mend_times(now, demonstration()));
  value(store.expire(now));
  CHECK(value(store.check_integrity()).empty());
  return mended;
}

std::uint64_t latest(schema::Store& store) { return value(store.audit(1)).at(0).id; }

Undone undo(schema::Store& store, std::uint64_t id, UnixTime now) {
  return value(store.undo(id, kDecision, demonstration(), &score::reckon, now));
}

/// A listing of each kind, with an end each and one without, and an exemption.
void fill(schema::Store& store) {
  offend(store, "192.0.2.1", 1);
  value(store.list(std::vector{net("198.51.100.1")}, kNow + 14 * kDay, kDecision, kNow));
  value(store.list(std::vector{net("198.51.100.2"), net("198.51.100.3")}, kNow + 20 * kDay, kDecision, kNow, "a file"));
  value(store.list(std::vector{net("198.51.100.4")}, std::nullopt, kDecision, kNow));
  value(store.exempt(net("203.0.113.0/24"), kNow + 3 * kDay, {.who = "operator", .reason = "a partner"}, kNow));
}

}  // namespace

TEST_CASE(
    "everything that was removed under a wrong clock is restored once, with its reason and end, when the clock is "
    "right",
    "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  fill(store);
  const auto before = listed(store);
  const auto exemptions_before = value(store.exemptions(kNow));
  REQUIRE(before.size() == 5);
  for (const auto error : kErrors) {
    CAPTURE(error.count());
    sweep(store, kNow + error);
    sweep(store, kNow + error + Duration{10});
    sweep(store, kNow);
    CHECK(listed(store) == before);
    CHECK(value(store.exemptions(kNow)) == exemptions_before);
    const auto serial = value(store.serial());
    CHECK(sweep(store, kNow + Duration{10}) == Mended{});
    CHECK(value(store.serial()) == serial);
  }
  // And what ends in time ends as ever.
  sweep(store, kNow + 30 * kDay);
  CHECK(listed(store, kNow + 30 * kDay).size() == 1);
  CHECK(sweep(store, kNow + 30 * kDay + Duration{10}) == Mended{});
}

TEST_CASE("a listing that was removed too early isn't restored if an operator ended or exempted it since",
          "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  value(store.list(std::vector{net("192.0.2.2")}, kNow + 14 * kDay, kDecision, kNow));
  const UnixTime wrong = kNow + 40 * kDay;
  sweep(store, wrong);
  const bool is_still_wrong = GENERATE(true, false);
  const UnixTime decided = is_still_wrong ? wrong : kNow;
  CAPTURE(decided.time_since_epoch().count());
  SECTION("delisted") {
    value(store.delist(net("192.0.2.0/24"), kDecision, decided));
    CHECK(sweep(store, kNow + Duration{1}).listings == 0);
    CHECK(listed(store).empty());
    // It isn't held against the decision that it was made under a wrong clock: new bounces list.
    offend(store, "192.0.2.1", 10, kNow + Duration{20}, kNow + Duration{20});
    CHECK(listed(store).size() == 1);
  }
  SECTION("exempted") {
    value(store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, decided));
    CHECK(sweep(store, kNow + Duration{1}).listings == 0);
    CHECK(listed(store).empty());
  }
  SECTION("listed anew") {
    offend(store, "192.0.2.1", 10, kNow + Duration{1}, decided);
    value(store.list(std::vector{net("192.0.2.2")}, kNow + 60 * kDay, kDecision, decided));
    CHECK(sweep(store, kNow + Duration{1}).listings == 0);
    CHECK(listed(store).size() == 2);
    CHECK(listed(store).at(1).expires_at == kNow + 60 * kDay);
  }
}

TEST_CASE("what was checked is checked again when the clock goes back", "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  for (int i = 1; i <= 10; ++i) {
    value(store.list(std::vector{net("192.0.2." + std::to_string(i))}, kNow + i * Duration{60}, kDecision, kNow));
  }
  for (int i = 0; i <= 10; ++i) sweep(store, kNow + i * Duration{60});
  CHECK(listed(store).empty());
  CHECK(sweep(store, kNow + Duration{300}).listings == 5);
  CHECK(sweep(store, kNow).listings == 5);
  CHECK(listed(store).size() == 10);
}

TEST_CASE("a restored exemption prevents the restoration of listings within it", "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  value(store.exempt(net("192.0.2.0/24"), kNow + 14 * kDay, kDecision, kNow));
  const UnixTime wrong = kNow + 40 * kDay;
  sweep(store, wrong);
  offend(store, "192.0.2.1", 10, wrong, wrong);
  CHECK_FALSE(value(store.check(ip("192.0.2.1"), wrong)).empty());
  sweep(store, wrong + 60 * kDay);
  CHECK(sweep(store, kNow) == Mended{.exemptions = 1});
  CHECK(value(store.check(ip("192.0.2.1"), kNow)).empty());
  CHECK(listed(store).empty());
}

TEST_CASE("listings of an import that was undone aren't restored", "[schema][clock][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(std::vector{net("192.0.2.1"), net("192.0.2.2")}, kNow + kDay, kDecision, kNow, "a file"));
  const auto import = latest(store);
  SECTION("swept up in part") {
    value(store.list(std::vector{net("192.0.2.3")}, kNow + 90 * kDay, kDecision, kNow));
    const auto other = latest(store);
    sweep(store, kNow + 40 * kDay);
    CHECK(undo(store, import, kNow + 40 * kDay).outcome == Undone::Outcome::superseded);
    CHECK(undo(store, other, kNow + 40 * kDay).outcome == Undone::Outcome::undone);
    sweep(store, kNow);
    CHECK(listed(store).size() == 2);
    CHECK(undo(store, import, kNow).ended == 2);
  }
  SECTION("undone under a clock that is ahead, before anything was swept up") {
    CHECK(undo(store, import, kNow + 40 * kDay).ended == 2);
    CHECK(sweep(store, kNow) == Mended{});
    CHECK(listed(store).empty());
  }
}

TEST_CASE("an undo while the clock is ahead has the same effect as one at the right time", "[schema][clock][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  fill(store);
  const auto before = listed(store);
  const auto exemptions_before = value(store.exemptions(kNow));
  const UnixTime wrong = kNow + 40 * kDay;
  const bool swept_before = GENERATE(true, false);
  SECTION("a delisting") {
    value(store.delist(net("192.0.2.0/24"), kDecision, kNow));
    value(store.delist(net("198.51.100.0/24"), kDecision, kNow));
    if (swept_before) sweep(store, wrong);
    const auto id = latest(store);
    CHECK(undo(store, id, wrong).outcome == Undone::Outcome::undone);
    CHECK(undo(store, id - 1, wrong).outcome == Undone::Outcome::undone);
  }
  SECTION("an exemption that replaced another") {
    value(store.exempt(net("203.0.113.0/24"), std::nullopt, {.who = "operator", .reason = "for good"}, kNow));
    if (swept_before) sweep(store, wrong);
    CHECK(undo(store, latest(store), wrong).outcome == Undone::Outcome::undone);
  }
  SECTION("an operator's listing that replaced another") {
    value(store.list(std::vector{net("198.51.100.1")}, std::nullopt, {.who = "operator", .reason = "for good"}, kNow));
    if (swept_before) sweep(store, wrong);
    CHECK(undo(store, latest(store), wrong).outcome == Undone::Outcome::undone);
  }
  sweep(store, kNow);
  CHECK(listed(store) == before);
  CHECK(value(store.exemptions(kNow)) == exemptions_before);
}

TEST_CASE("a decision that was made while the clock was ahead can be undone when it is right",
          "[schema][clock][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  fill(store);
  const auto before = listed(store);
  const UnixTime wrong = kNow + 40 * kDay;
  value(store.delist(net("192.0.2.0/24"), kDecision, wrong));
  CHECK(listed(store).size() == 4);
  CHECK(undo(store, latest(store), kNow + Duration{60}).listed == 1);
  CHECK(listed(store) == before);
  value(store.list(std::vector{net("198.51.100.9")}, wrong + kDay, kDecision, wrong));
  CHECK(undo(store, latest(store), kNow + Duration{60}).ended == 1);
  CHECK(listed(store) == before);
}

TEST_CASE("a listing that was recorded while the clock was ahead ends at the right time", "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  if (GENERATE(true, false)) {
    for (int day = 90; day > 0; day -= 3) {
      offend(store, "198.51.100." + std::to_string(day), day * 10, kNow - day * kDay, kNow - day * kDay);
    }
  }
  const auto error = GENERATE(40 * kDay, 11 * 365 * kDay, 80 * 365 * kDay);
  const auto before = listed(store);
  for (int i = 1; i < 20; ++i) offend(store, "192.0.2." + std::to_string(i), 1000 + i * 10, kNow + error, kNow + error);
  // A second error, further away.
  offend(store, "192.0.2.20", 2000, kNow + 2 * error, kNow + 2 * error);
  const auto mended = sweep(store, kNow);
  CHECK(mended.shortened == 20);
  for (const auto& listing : listed(store)) {
    CHECK(*listing.expires_at <= kNow + demonstration().max_listing);
    CHECK(listing.listed_at <= kNow);
  }
  CHECK(listed(store).size() == before.size() + 20);
  CHECK(sweep(store, kNow + Duration{10}) == Mended{});
  // Nor does it come back for the time that it was swept up in.
  sweep(store, kNow + 3 * error);
  sweep(store, kNow);
  for (const auto& listing : listed(store)) CHECK(*listing.expires_at <= kNow + demonstration().max_listing);
}

TEST_CASE("a strong listing keeps its end while the clock is behind", "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  // Some each day; each listed for as long as any may be.
  auto policy = demonstration();
  policy.delist_below = 0.5;
  for (int hour = 60 * 24; hour >= 0; hour -= 6) {
    schema::Batch batch;
    batch.feed = "test";
    const UnixTime at = kNow - hour * std::chrono::hours{1};
    for (int i = 0; i < 8; ++i) {
      batch.incidents.push_back(incident("192.0.2." + std::to_string(hour / 24), hour * 10 + i, at));
    }
    value(store.record(batch, policy, &score::assess, at));
  }
  const auto before = listed(store);
  const auto strong = std::ranges::count_if(
      before, [&](const Listing& listing) { return *listing.expires_at > kNow - kDay + policy.max_listing; });
  CHECK(strong > 0);
  for (const Duration behind : {std::chrono::seconds{3600}, kDay, 20 * kDay, 40 * kDay}) {
    CAPTURE(behind.count());
    CHECK(sweep(store, kNow - behind).shortened == 0);
    sweep(store, kNow);
    CHECK(listed(store) == before);
  }
}

TEST_CASE("a listing that a shorter max_listing would end sooner keeps its end", "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  const auto before = listed(store);
  auto policy = demonstration();
  policy.max_listing = std::chrono::hours{1};
  CHECK(value(store.mend_times(kNow, policy)) == Mended{});
  CHECK(listed(store) == before);
}

TEST_CASE("times in the future are reported, a minute's difference between machines isn't", "[schema][clock]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto times = value(store.times_ahead(kNow));
  CHECK_FALSE((times.incident || times.decision || times.change));
  offend(store, "192.0.2.1", 1, kNow + Duration{60}, kNow + Duration{60});
  times = value(store.times_ahead(kNow));
  CHECK_FALSE((times.incident || times.decision || times.change));
  times = value(store.times_ahead(kNow - Duration{1}));
  CHECK(times.incident == kNow + Duration{60});
  CHECK(times.change == kNow + Duration{60});
  CHECK_FALSE(times.decision);
  value(store.delist(net("192.0.2.1"), kDecision, kNow + kDay));
  CHECK(value(store.times_ahead(kNow)).decision == kNow + kDay);
}

TEST_CASE("incidents and decisions with impossible times are replayed with a possible one",
          "[schema][clock][history]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  offend(store, "192.0.2.1", 10, kNow + 40 * kDay, kNow + 40 * kDay);
  value(store.delist(net("192.0.2.2"), kDecision, kNow + 40 * kDay));
  UnixTime newest{};
  UnixTime decided{};
  for (const auto& one : value(store.decisions(kNow + Duration{1}))) decided = std::max(decided, one.at);
  REQUIRE(store.for_each_sender(kNow + Duration{1}, [&](const schema::SenderRecord& record) {
    for (const auto& one : record.accusations) newest = std::max(newest, one.received_at);
  }));
  CHECK(newest == kNow + Duration{1});
  CHECK(decided == kNow + Duration{1});
}

TEST_CASE("a decision about listings that were removed under a wrong clock stays in force when the clock is right",
          "[schema][clock]") {
  const bool delists = GENERATE(true, false);
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  sweep(store, kNow + 40 * kDay);
  if (delists) {
    value(store.delist(net("192.0.2.1"), kDecision, kNow + Duration{10}));
  } else {
    value(store.exempt(net("192.0.2.1"), std::nullopt, kDecision, kNow + Duration{10}));
    value(store.end_exemption(net("192.0.2.1"), kDecision, kNow + Duration{20}));
  }
  sweep(store, kNow + Duration{30});
  const auto standing = value(store.dossier(ip("192.0.2.1"), 1)).standing;
  CHECK_FALSE(standing->listed_until);
  // One more bounce doesn't list a sender that was delisted.
  if (delists) {
    record(store, {incident("192.0.2.1", 9, kNow + Duration{40})}, kNow + Duration{40});
    CHECK(listed(store, kNow + Duration{40}).empty());
  }
}

TEST_CASE("undoing a listing restores the removed one that it replaced", "[schema][clock][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  const auto network = net("198.51.100.1");
  value(store.list(std::vector{network}, kNow + 14 * kDay, kDecision, kNow));
  sweep(store, kNow + 40 * kDay);
  value(store.list(std::vector{network}, kNow + Duration{3600}, {.who = "operator", .reason = "a slip"},
                   kNow + Duration{5}));
  sweep(store, kNow + Duration{10});
  CHECK(undo(store, latest(store), kNow + Duration{20}).outcome == Undone::Outcome::undone);
  const auto now = listed(store, kNow + Duration{20});
  REQUIRE(now.size() == 1);
  CHECK(now[0].expires_at == kNow + 14 * kDay);
}
