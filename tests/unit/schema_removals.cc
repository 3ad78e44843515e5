// Removal on request: once, at its time, only what it may end, and nothing a stranger can make grow.
#include "schema_fixture.h"
#include "sql_by_hand.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <vector>

using namespace blowback;
using namespace blowback::schema_test;
using schema::Store;
using std::chrono::days;

namespace {

constexpr Duration kHour = std::chrono::hours{1};
const RemovalRules kRules;

/// Gets the sender listed by mail.
void offend(Store& store, const std::string& client, int from, UnixTime at = kNow) {
  record(store, {incident(client, from, at), incident(client, from + 1, at), incident(client, from + 2, at)}, at);
}

schema::RemovalFiled ask(Store& store, const std::string& address, UnixTime now = kNow,
                         const RemovalRules& rules = kRules, RemovalProof proof = RemovalProof::https) {
  return value(store.request_removal({.address = ip(address), .proof = proof}, rules, now));
}

std::vector<RemovalRequest> execute(Store& store, UnixTime now = kNow, const RemovalRules& rules = kRules) {
  return value(store.remove_due(rules, now)).decided;
}

/// Asks, and is removed at once.
void remove(Store& store, const std::string& address, UnixTime now) {
  REQUIRE(ask(store, address, now).is_new);
  const auto decided = execute(store, now);
  REQUIRE(decided.size() == 1);
  REQUIRE(decided[0].state == RemovalState::done);
}

bool is_listed(Store& store, const std::string& address, UnixTime now = kNow) {
  return !value(store.check(ip(address), now)).empty();
}

std::string outcome(const schema::RemovalFiled& filed) {
  if (filed.outlook.refused) return std::string(name_of(*filed.outlook.refused));
  return filed.is_new ? "filed" : "pending";
}

std::string told(const Standing& standing, const std::optional<Listing>& listing, UnixTime now) {
  std::string text = standing.sender.to_string() + " " + std::to_string(standing.score.amount) + " at " +
                     to_iso8601(standing.score.at) + " times " + std::to_string(standing.times_listed);
  if (standing.afresh_since) text += " afresh " + to_iso8601(*standing.afresh_since);
  if (listing && listing->in_force(now)) {
    text += " listed " + to_iso8601(listing->listed_at) + " until " + to_iso8601(*listing->expires_at);
  }
  return text;
}

schema::TokenDigest digest(std::uint8_t number) {
  schema::TokenDigest digest{};
  digest.fill(number);
  return digest;
}

schema::TokenIssued::Outcome issue(Store& store, const std::string& address, std::uint8_t number, UnixTime now = kNow,
                                   const std::string& domain = "example.net") {
  return value(store.issue_token({.address = ip(address), .mailed_to = "postmaster@mail." + domain, .domain = domain},
                                 digest(number), kRules, now))
      .outcome;
}

}  // namespace

TEST_CASE("a listed sender that asks is removed at once, and the audit says how control was proved",
          "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  offend(store, "192.0.2.2", 11);
  const auto filed = ask(store, "192.0.2.1");
  CHECK(outcome(filed) == "filed");
  CHECK(filed.outlook.wait == Duration{0});
  // Filing removes nobody: ingest does.
  CHECK(is_listed(store, "192.0.2.1"));
  CHECK(value(store.removal_counts()).pending == 1);
  const auto decided = execute(store);
  REQUIRE(decided.size() == 1);
  CHECK(decided[0].state == RemovalState::done);
  CHECK_FALSE(is_listed(store, "192.0.2.1"));
  CHECK(is_listed(store, "192.0.2.2"));
  const auto audit = value(store.audit(1)).at(0);
  CHECK(audit.id == decided[0].audit);
  CHECK(audit.action == "delist");
  CHECK(audit.who == "removal:https");
  CHECK(audit.subject == "192.0.2.1");
  CHECK(audit.reason == "requested over HTTPS by 192.0.2.1 itself");
  CHECK(audit.changes == 1);
  // Done once.
  CHECK(execute(store).empty());
  const auto counts = value(store.removal_counts());
  CHECK(counts.pending == 0);
  CHECK(counts.done == 1);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("the sender of an IPv6 address is its /64", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "2001:db8:1:2::3", 1);
  CHECK(outcome(ask(store, "2001:db8:1:2::4")) == "filed");
  CHECK(outcome(ask(store, "2001:db8:1:2::5")) == "pending");
  CHECK(outcome(ask(store, "2001:db8:1:3::3")) == "not-listed");
  CHECK(execute(store).size() == 1);
  CHECK_FALSE(is_listed(store, "2001:db8:1:2::3"));
  CHECK(value(store.audit(1)).at(0).subject == "2001:db8:1:2::/64");
}

TEST_CASE("a sender has one pending request, whoever asks again", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto other = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  const auto first = ask(store, "192.0.2.1");
  const auto second = ask(other, "192.0.2.1", kNow + kHour, kRules, RemovalProof::mail);
  CHECK_FALSE(second.is_new);
  REQUIRE(second.request);
  CHECK(second.request->id == first.request->id);
  CHECK(second.request->proof == RemovalProof::https);
  CHECK(second.request->requested_at == kNow);
  CHECK(value(store.removals({})).size() == 1);
}

TEST_CASE("nothing is stored for a request that is refused when it is filed", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  offend(store, "192.0.2.2", 11);
  value(store.exempt(net("192.0.2.2"), std::nullopt, kDecision, kNow));
  value(store.list(std::vector{net("198.51.100.0/24"), net("203.0.113.7"), net("127.0.0.1")}, std::nullopt, kDecision,
                   kNow, {}, Permission::wide));
  CHECK(outcome(ask(store, "192.0.2.9")) == "not-listed");
  CHECK(outcome(ask(store, "192.0.2.2")) == "exempt");
  CHECK(outcome(ask(store, "198.51.100.1")) == "by-operator");
  CHECK(outcome(ask(store, "203.0.113.7")) == "by-operator");
  CHECK(outcome(ask(store, "127.0.0.1")) == "special-use");
  RemovalRules off;
  off.enabled = false;
  CHECK(outcome(ask(store, "192.0.2.1", kNow, off)) == "disabled");
  CHECK(value(store.removals({})).empty());
  // A listing that has ended isn't one, whether or not it was swept.
  CHECK(outcome(ask(store, "192.0.2.1", kNow + days{60})) == "not-listed");
}

TEST_CASE(
    "a sender can end the operator's listing of itself only where the operator allows it, and never that of a network",
    "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  RemovalRules rules;
  rules.by_operator = true;
  value(store.list(std::vector{net("198.51.100.0/24"), net("203.0.113.7"), net("2001:db8::1"), net("2001:db8::2")},
                   std::nullopt, kDecision, kNow));
  CHECK(outcome(ask(store, "198.51.100.1", kNow, rules)) == "network");
  CHECK(outcome(ask(store, "203.0.113.7", kNow, rules)) == "filed");
  CHECK(outcome(ask(store, "2001:db8::1", kNow, rules)) == "filed");
  // By the rules in force when it is decided.
  CHECK(execute(store, kNow, kRules).at(0).refused == RemovalRefusal::by_operator);
  CHECK(is_listed(store, "203.0.113.7"));
  CHECK(outcome(ask(store, "203.0.113.7", kNow, rules)) == "filed");
  CHECK(outcome(ask(store, "2001:db8::1", kNow, rules)) == "filed");
  CHECK(execute(store, kNow, rules).size() == 2);
  CHECK_FALSE(is_listed(store, "203.0.113.7"));
  CHECK_FALSE(is_listed(store, "2001:db8::1"));
  CHECK(is_listed(store, "2001:db8::2"));
  CHECK(is_listed(store, "198.51.100.1"));
  // An undo restores it.
  const auto id = value(store.audit(2)).at(1).id;
  CHECK(value(store.undo(id, kDecision, demonstration(), &score::reckon, kNow)).listed == 1);
  CHECK(is_listed(store, "203.0.113.7"));
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("the next listing lasts twice as long, and the next removal waits", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  Policy policy = demonstration();
  offend(store, "192.0.2.1", 1);
  const auto first = *value(store.dossier(ip("192.0.2.1"), 0)).listings.at(0).expires_at - kNow;
  remove(store, "192.0.2.1", kNow + kHour);
  offend(store, "192.0.2.1", 11, kNow + 2 * kHour);
  const auto dossier = value(store.dossier(ip("192.0.2.1"), 0));
  CHECK(dossier.standing->times_listed == 2);
  CHECK(dossier.standing->afresh_since == kNow + kHour);
  const auto second = *dossier.listings.at(0).expires_at - (kNow + 2 * kHour);
  CHECK(static_cast<double>(second.count()) ==
        Approx(static_cast<double>(first.count()) * policy.repeat_factor).epsilon(0.13));

  const UnixTime asked = kNow + 3 * kHour;
  const auto filed = ask(store, "192.0.2.1", asked);
  CHECK(filed.outlook.earlier == 1);
  CHECK(filed.request->due_at == asked + days{1});
  CHECK(execute(store, asked + days{1} - Duration{1}).empty());
  CHECK(is_listed(store, "192.0.2.1", asked + days{1} - Duration{1}));
  CHECK(execute(store, asked + days{1}).at(0).state == RemovalState::done);
  offend(store, "192.0.2.1", 21, asked + days{2});
  CHECK(value(store.removal_outlook(ip("192.0.2.1"), kRules, asked + days{2})).wait == days{2});
}

TEST_CASE("a request that waits is refused if backscatter came meanwhile", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  remove(store, "192.0.2.1", kNow);
  offend(store, "192.0.2.1", 11, kNow + kHour);
  REQUIRE(ask(store, "192.0.2.1", kNow + 2 * kHour).is_new);
  record(store, {incident("192.0.2.1", 20, kNow + 3 * kHour)}, kNow + 3 * kHour);
  const auto decided = execute(store, kNow + 2 * kHour + days{1});
  REQUIRE(decided.size() == 1);
  CHECK(decided[0].state == RemovalState::refused);
  CHECK(decided[0].refused == RemovalRefusal::still_sending);
  CHECK(is_listed(store, "192.0.2.1", kNow + days{2}));
  CHECK(value(store.removal_counts()).refused == 1);
  // A refusal isn't a removal: the wait stays the same.
  CHECK(ask(store, "192.0.2.1", kNow + days{2}).outlook.wait == days{1});
}

TEST_CASE("after a long time a removal is forgotten, with its request", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  remove(store, "192.0.2.1", kNow);
  const UnixTime later = kNow + days{180};
  offend(store, "192.0.2.1", 11, later - Duration{1});
  CHECK(value(store.removal_outlook(ip("192.0.2.1"), kRules, later - Duration{1})).wait == days{1});
  CHECK(value(store.removal_outlook(ip("192.0.2.1"), kRules, later)).wait == Duration{0});
  keep_up(store, later);
  CHECK(value(store.removals({})).size() == 1);
  keep_up(store, later + Duration{1});
  CHECK(value(store.removals({})).empty());
  CHECK(value(store.removal_counts()).done == 1);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("a listing that the operator restored by undoing the removal isn't removed again", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto never = open(folder.file("never.db"));
  for (auto* each : {&store, &never}) offend(*each, "192.0.2.1", 1);
  remove(store, "192.0.2.1", kNow + kHour);
  const auto id = value(store.audit(1)).at(0).id;
  const UnixTime now = kNow + 2 * kHour;
  CHECK(value(store.undo(id, kDecision, demonstration(), &score::reckon, now)).listed == 1);
  CHECK(stand(store, now, told) == stand(never, now, told));
  CHECK(outcome(ask(store, "192.0.2.1", now)) == "by-operator");
  const auto request = value(store.removals({.of = ip("192.0.2.1")})).at(0);
  CHECK(request.undone);
  CHECK(value(store.removal_outlook(ip("192.0.2.1"), kRules, now)).earlier == 0);
  RemovalRules rules;
  rules.by_operator = true;
  CHECK(outcome(ask(store, "192.0.2.1", now, rules)) == "filed");
}

TEST_CASE("a new listing after an undone removal can be removed", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  remove(store, "192.0.2.1", kNow + kHour);
  value(store.undo(value(store.audit(1)).at(0).id, kDecision, demonstration(), &score::reckon, kNow + kHour));
  offend(store, "192.0.2.1", 11, kNow + days{60});
  CHECK(outcome(ask(store, "192.0.2.1", kNow + days{60})) == "filed");
}

TEST_CASE("a request whose listing has ended by the time it is due is refused", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  REQUIRE(ask(store, "192.0.2.1").is_new);
  value(store.delist(net("192.0.2.1"), kDecision, kNow + kHour));
  const auto decided = execute(store, kNow + kHour);
  CHECK(decided.at(0).refused == RemovalRefusal::not_listed);
  CHECK_FALSE(decided.at(0).audit);
}

TEST_CASE("pending requests are limited in number", "[schema][removal]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = open(file);
  offend(store, "192.0.2.1", 1);
  run_sql(file, "UPDATE total SET value = " + std::to_string(schema::kMostPendingRemovals) +
                    " WHERE name = 'removals_pending'");
  CHECK(outcome(ask(store, "192.0.2.1")) == "too-many");
  CHECK(value(store.removals({})).empty());
}

TEST_CASE("requests that are due are decided in slices, the oldest first", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  for (int i = 0; i < 60; ++i) {
    const auto client = "192.0.2." + std::to_string(i);
    offend(store, client, 10 * i);
    REQUIRE(ask(store, client, kNow + Duration{i}).is_new);
  }
  const auto first = value(store.remove_due(kRules, kNow + kHour));
  CHECK(first.more);
  CHECK(first.decided.size() == 50);
  CHECK(first.decided[0].address == ip("192.0.2.0"));
  const auto second = value(store.remove_due(kRules, kNow + kHour));
  CHECK_FALSE(second.more);
  CHECK(second.decided.size() == 10);
}

TEST_CASE("a request that was filed while the clock was ahead is executed", "[schema][removal]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  const auto ahead = kNow + days{5};
  REQUIRE(ask(store, "192.0.2.1", ahead).is_new);
  CHECK(execute(store, kNow).size() == 1);
}

TEST_CASE("a token works once, and only its digest is stored", "[schema][removal]") {
  using Outcome = schema::TokenRedeemed::Outcome;
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  CHECK(issue(store, "192.0.2.1", 7) == schema::TokenIssued::Outcome::issued);
  CHECK(value(store.redeem_token(digest(8), kRules, kNow)).outcome == Outcome::unknown);
  const auto redeemed = value(store.redeem_token(digest(7), kRules, kNow + kHour));
  CHECK(redeemed.outcome == Outcome::filed);
  REQUIRE(redeemed.filed.request);
  CHECK(redeemed.filed.request->proof == RemovalProof::token);
  CHECK(redeemed.filed.request->mailed_to == "postmaster@mail.example.net");
  CHECK(value(store.redeem_token(digest(7), kRules, kNow + kHour)).outcome == Outcome::used);
  CHECK(execute(store, kNow + kHour).size() == 1);
  CHECK(value(store.audit(1)).at(0).who == "removal:token");
  CHECK(value(store.redeem_token(digest(7), kRules, kNow + 2 * kHour)).outcome == Outcome::used);
}

TEST_CASE("a token expires after a day, and isn't used up by a refusal", "[schema][removal]") {
  using Outcome = schema::TokenRedeemed::Outcome;
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  REQUIRE(issue(store, "192.0.2.1", 7) == schema::TokenIssued::Outcome::issued);
  value(store.exempt(net("192.0.2.1"), kNow + kHour, kDecision, kNow));
  const auto refused = value(store.redeem_token(digest(7), kRules, kNow));
  CHECK(refused.outcome == Outcome::refused);
  CHECK(refused.filed.outlook.refused == RemovalRefusal::exempt);
  offend(store, "192.0.2.1", 11, kNow + kHour);
  CHECK(value(store.redeem_token(digest(7), kRules, kNow + days{1})).outcome == Outcome::expired);
  CHECK(value(store.redeem_token(digest(7), kRules, kNow + days{1} - Duration{1})).outcome == Outcome::filed);
  // Forgotten after a week.
  keep_up(store, kNow + days{7} + Duration{1});
  CHECK(value(store.redeem_token(digest(7), kRules, kNow + days{8})).outcome == Outcome::unknown);
}

TEST_CASE("one token is mailed per sender and day, five per domain and day", "[schema][removal]") {
  using Outcome = schema::TokenIssued::Outcome;
  const Folder folder;
  auto store = open(folder.file("a.db"));
  for (int i = 1; i < 10; ++i) offend(store, "192.0.2." + std::to_string(i), 10 * i);
  offend(store, "2001:db8:1:2::3", 100);
  CHECK(issue(store, "192.0.2.77", 1) == Outcome::refused);
  for (std::uint8_t i = 1; i <= 5; ++i) {
    CHECK(issue(store, "192.0.2." + std::to_string(i), i) == Outcome::issued);
  }
  CHECK(issue(store, "192.0.2.1", 11, kNow, "example.org") == Outcome::sender_limit);
  CHECK(issue(store, "192.0.2.6", 6) == Outcome::domain_limit);
  CHECK(issue(store, "192.0.2.6", 6, kNow, "example.org") == Outcome::issued);
  CHECK(issue(store, "2001:db8:1:2::3", 12, kNow, "example.org") == Outcome::issued);
  // The other addresses of a /64 are the same sender.
  CHECK(issue(store, "2001:db8:1:2::4", 13, kNow, "example.org") == Outcome::sender_limit);
  CHECK(issue(store, "192.0.2.1", 14, kNow + days{1} - Duration{1}) == Outcome::sender_limit);
  CHECK(issue(store, "192.0.2.1", 14, kNow + days{1}) == Outcome::issued);
}

TEST_CASE("of many who redeem one token at the same time one succeeds", "[schema][removal]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = open(file);
  offend(store, "192.0.2.1", 1);
  REQUIRE(issue(store, "192.0.2.1", 7) == schema::TokenIssued::Outcome::issued);
  std::array<schema::TokenRedeemed::Outcome, 8> outcomes{};
  {
    std::vector<std::jthread> threads;
    for (auto& each : outcomes) {
      threads.emplace_back([&each, &file] {
        auto own = schema::Store::open(file, Store::Mode::write);
        if (!own) return;
        const auto redeemed = own->redeem_token(digest(7), kRules, kNow);
        if (redeemed) each = redeemed->outcome;
      });
    }
  }
  CHECK(std::ranges::count(outcomes, schema::TokenRedeemed::Outcome::filed) == 1);
  CHECK(std::ranges::count(outcomes, schema::TokenRedeemed::Outcome::used) == 7);
}

TEST_CASE("a replay with removals gives the recorded result, and an undo of one the result without it",
          "[schema][removal][replay]") {
  const auto seed = GENERATE(range(1U, 9U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto without = open(folder.file("without.db"));  // without the last removal
  UnixTime now = kNow;
  int number = 0;
  const auto client = [&] { return "192.0.2." + std::to_string(random() % 4); };
  const auto offend_a_while = [&] {
    for (int i = 0; i < 60; ++i) {
      now += Duration{static_cast<std::int64_t>(random() % 40'000)};
      const auto one = incident(client(), ++number, now);
      for (auto* each : {&store, &without}) record(*each, {one}, now);
    }
  };
  int removed = 0;
  for (int round = 0; round < 12; ++round) {
    offend_a_while();
    // Also in the second of the last incident.
    now += Duration{static_cast<std::int64_t>(random() % 3)};
    const auto address = client();
    for (auto* each : {&store, &without}) {
      if (ask(*each, address, now).is_new) ++removed;
      execute(*each, now);
    }
    if (random() % 4 == 0) {
      const auto delisted = net(client());
      for (auto* each : {&store, &without}) value(each->delist(delisted, kDecision, now));
    }
    CHECK(replayed(store, demonstration(), now, told) == stand(store, now, told));
  }
  CHECK(removed > 6);
  // One more, in one of the two databases, which is undone after some time.
  for (int tries = 0; tries < 100; ++tries) {
    offend_a_while();
    for (auto* each : {&store, &without}) execute(*each, now);
    const auto address = client();
    if (!is_listed(store, address, now)) continue;
    RemovalRules at_once;
    at_once.wait = Duration{0};
    if (!ask(store, address, now, at_once).is_new) continue;
    REQUIRE(execute(store, now, at_once).at(0).state == RemovalState::done);
    const auto id = value(store.audit(1)).at(0).id;
    offend_a_while();
    CHECK(value(store.undo(id, kDecision, demonstration(), &score::reckon, now)).outcome ==
          schema::Undone::Outcome::undone);
    CHECK(stand(store, now, told) == stand(without, now, told));
    CHECK(replayed(store, demonstration(), now, told) == stand(store, now, told));
    CHECK(value(store.check_integrity()).empty());
    return;
  }
  FAIL("nobody was listed");
}

TEST_CASE("a store for requests files them, and can write nothing else", "[schema][removal]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = open(file);
  offend(store, "192.0.2.1", 1);
  offend(store, "192.0.2.2", 11);
  auto requests = open(file, Store::Mode::request);
  CHECK(outcome(ask(requests, "192.0.2.1")) == "filed");
  CHECK(outcome(ask(requests, "192.0.2.1")) == "pending");
  CHECK(outcome(ask(requests, "192.0.2.9")) == "not-listed");
  CHECK(issue(requests, "192.0.2.2", 1) == schema::TokenIssued::Outcome::issued);
  CHECK(value(requests.redeem_token(digest(1), kRules, kNow)).outcome == schema::TokenRedeemed::Outcome::filed);
  CHECK(value(store.removal_counts()).pending == 2);
  const auto refused = [](const auto& result) {
    return !result && result.error().code == schema::StoreError::Code::read_only;
  };
  const auto serial = value(store.serial());
  const auto audit = value(store.audit(100)).size();
  CHECK(refused(requests.remove_due(kRules, kNow)));
  CHECK(refused(requests.list(std::vector{net("198.51.100.1")}, std::nullopt, kDecision, kNow)));
  CHECK(refused(requests.delist(net("192.0.2.1"), kDecision, kNow)));
  CHECK(refused(requests.exempt(net("192.0.2.1"), std::nullopt, kDecision, kNow)));
  CHECK(refused(requests.retire_trap("t1@trap.example.net", kDecision, kNow)));
  CHECK(refused(requests.expire(kNow + days(400))));
  CHECK(refused(requests.set_upkeep_clock({.time = kNow, .boot = {}, .awake = {}})));
  schema::Batch batch;
  batch.feed = "test";
  batch.incidents = {incident("192.0.2.3", 21)};
  CHECK(refused(requests.record(batch, demonstration(), &score::assess, kNow)));
  CHECK(refused(requests.keep_up(kNow + days(4000), demonstration(), Retention{}, &score::reckon)));
  CHECK(value(store.serial()) == serial);
  CHECK(value(store.audit(100)).size() == audit);
  CHECK(is_listed(store, "192.0.2.1"));
  CHECK(value(store.check_integrity()).empty());
  // What it filed is executed by the others.
  CHECK(execute(store).size() == 2);
}

TEST_CASE("a store for requests makes no database and migrates none", "[schema][removal]") {
  const Folder folder;
  const auto missing = Store::open(folder.file("a.db"), Store::Mode::request);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == schema::StoreError::Code::missing);
  CHECK_FALSE(std::filesystem::exists(folder.file("a.db")));
  {
    const auto made = open(folder.file("b.db"));
  }
  run_sql(folder.file("b.db"), "PRAGMA user_version = 6");
  const auto older = Store::open(folder.file("b.db"), Store::Mode::request);
  REQUIRE_FALSE(older);
  CHECK(older.error().code == schema::StoreError::Code::older);
}

TEST_CASE("the group of a database may write it, unless it may not even read it", "[schema][removal]") {
  using std::filesystem::perms;
  const auto mode_at = [](mode_t mask) {
    const Folder folder;
    const auto before = umask(mask);
    {
      const auto made = open(folder.file("a.db"));
    }
    umask(before);
    return std::filesystem::status(folder.file("a.db")).permissions();
  };
  CHECK(mode_at(0022) == perms{0660});
  CHECK(mode_at(0027) == perms{0660});
  CHECK(mode_at(0077) == perms{0600});
}
