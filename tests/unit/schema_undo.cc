// Undo: what a decision changed becomes what it was, as far as that is still in force, and both are on record.
#include "schema_fixture.h"
#include "score/replay.h"

using namespace blowback;
using namespace blowback::schema_test;
using Outcome = schema::Undone::Outcome;

namespace {

const schema::Decision kRegret{.who = "olga", .reason = "a mistake"};

schema::Undone undo(schema::Store& store, std::uint64_t id, UnixTime now = kNow) {
  return value(store.undo(id, kRegret, demonstration(), &score::reckon, now));
}

std::uint64_t latest(schema::Store& store) { return value(store.audit(1)).at(0).id; }

void list(schema::Store& store, std::vector<Prefix> prefixes, std::optional<UnixTime> until, const std::string& reason,
          UnixTime now = kNow, const std::string& from = "") {
  value(store.list(prefixes, until, {.who = "operator", .reason = reason}, now, from));
}

void offend(schema::Store& store, const std::string& client, int from, UnixTime at = kNow) {
  record(store, {incident(client, from, at), incident(client, from + 1, at), incident(client, from + 2, at)}, at);
}

/// `prefix source reason until`, a line each.
std::string listed(schema::Store& store, UnixTime now = kNow) {
  std::string text;
  REQUIRE(store.for_each_listing({}, now, [&](const Listing& listing) {
    text += listing.prefix.to_string() + " " + std::string(name_of(listing.source)) +
            (listing.reason.empty() ? "" : " " + listing.reason) +
            (listing.expires_at ? " " + to_iso8601(*listing.expires_at) : "") + "\n";
  }));
  return text;
}

}  // namespace

TEST_CASE("undoing an import delists what it listed, and restores what it replaced", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  list(store, {net("192.0.2.1")}, std::nullopt, "before");
  const auto before = listed(store);
  list(store, {net("192.0.2.1"), net("192.0.2.2"), net("192.0.2.3")}, std::nullopt, "partner", kNow, "file.txt");
  const auto import = latest(store);
  list(store, {net("192.0.2.3")}, std::nullopt, "after");
  const auto undone = undo(store, import);
  CHECK(undone.outcome == Outcome::undone);
  CHECK(undone.ended == 1);
  CHECK(undone.moved == 1);
  CHECK(listed(store) == before + "192.0.2.3 operator after\n");
  // What was replaced by it can be undone in its turn, and what replaced it leads to nothing that was undone.
  CHECK(undo(store, 3).outcome == Outcome::undone);
  CHECK(listed(store) == before);
  CHECK(undo(store, 1).outcome == Outcome::undone);
  CHECK(listed(store).empty());
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("an undo is recorded with who, why and what, and can be made once", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  list(store, {net("192.0.2.1")}, std::nullopt, "r");
  const auto id = latest(store);
  const auto done = undo(store, id);
  const auto audit = value(store.audit(10));
  REQUIRE(audit.size() == 2);
  CHECK(audit[0].id == done.id);
  CHECK(audit[0].action == "undo");
  CHECK(audit[0].subject == "list 192.0.2.1");
  CHECK(audit[0].who == "olga");
  CHECK(audit[0].changes == 1);
  CHECK(audit[0].undoes == id);
  CHECK(audit[1].undone_by == done.id);
  CHECK(undo(store, id).outcome == Outcome::already);
  CHECK(undo(store, done.id).outcome == Outcome::is_undo);
  CHECK(undo(store, 99).outcome == Outcome::unknown);
  CHECK(value(store.audit(10)).size() == 2);
}

TEST_CASE("undoing a delisting restores listings and scores as if it hadn't been made", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto never = open(folder.file("never.db"));
  for (auto* each : {&store, &never}) {
    offend(*each, "192.0.2.1", 1);
    list(*each, {net("192.0.2.0/24")}, kNow + Duration{86400}, "by hand");
    list(*each, {net("192.0.2.7")}, kNow + Duration{60}, "a minute");
  }
  value(store.delist(net("192.0.2.0/24"), kDecision, kNow + Duration{10}));
  const auto id = latest(store);
  CHECK(listed(store, kNow + Duration{10}).empty());
  // Incidents go on coming in, and count.
  for (auto* each : {&store, &never}) offend(*each, "192.0.2.1", 10, kNow + Duration{100});
  const UnixTime later = kNow + Duration{200};
  const auto undone = undo(store, id, later);
  CHECK(undone.outcome == Outcome::undone);
  CHECK(undone.listed == 1);
  CHECK(undone.reckoned == 1);
  CHECK(listed(store, later) == listed(never, later));
  const auto is = value(store.dossier(ip("192.0.2.1"), 10));
  const auto would_be = value(never.dossier(ip("192.0.2.1"), 10));
  CHECK(is.standing->score.amount == would_be.standing->score.amount);
  CHECK(is.standing->times_listed == would_be.standing->times_listed);
  CHECK_FALSE(is.standing->afresh_since);
  REQUIRE(is.witnesses.size() == would_be.witnesses.size());
  for (std::size_t i = 0; i < is.witnesses.size(); ++i) {
    CHECK(is.witnesses[i].key == would_be.witnesses[i].key);
    CHECK(is.witnesses[i].sum.amount == would_be.witnesses[i].sum.amount);
    CHECK(is.witnesses[i].incidents == would_be.witnesses[i].incidents);
  }
  for (std::size_t i = 0; i < is.incidents.size(); ++i) CHECK(is.incidents[i].credit == would_be.incidents[i].credit);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("a listing that would have ended by now isn't restored", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  list(store, {net("192.0.2.1")}, kNow + Duration{60}, "short");
  value(store.delist(net("192.0.2.1"), kDecision, kNow));
  const UnixTime later = kNow + std::chrono::days{90};
  CHECK(undo(store, latest(store), later).listed == 0);
  CHECK(listed(store, later).empty());
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("one of two delistings is undone: what came after the other counts", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  value(store.delist(net("192.0.2.1"), kDecision, kNow + Duration{10}));
  offend(store, "192.0.2.1", 10, kNow + Duration{20});
  value(store.delist(net("192.0.2.0/24"), kDecision, kNow + Duration{30}));
  CHECK(undo(store, 2, kNow + Duration{40}).listed == 1);
  const auto dossier = value(store.dossier(ip("192.0.2.1"), 10));
  CHECK(dossier.standing->afresh_since == kNow + Duration{10});
  CHECK(dossier.standing->score.amount == Approx(3).epsilon(0.001));
  CHECK(dossier.standing->times_listed == 2);
}

TEST_CASE("undoing an exemption restores what it ended, and the exemption that it replaced", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  list(store, {net("192.0.2.2")}, std::nullopt, "by hand");
  const auto before = listed(store);
  value(store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, kNow));
  const auto first = latest(store);
  value(store.exempt(net("192.0.2.0/24"), kNow + Duration{60}, {.who = "o", .reason = "for a minute"}, kNow));
  const auto second = latest(store);
  CHECK(undo(store, first).outcome == Outcome::superseded);
  CHECK(undo(store, second).outcome == Outcome::undone);
  REQUIRE(value(store.exemptions(kNow)).size() == 1);
  CHECK(value(store.exemptions(kNow))[0].reason == "because");
  CHECK(listed(store).empty());
  CHECK(undo(store, first).listed == 2);
  CHECK(value(store.exemptions(kNow)).empty());
  CHECK(listed(store) == before);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("undoing the end of an exemption exempts again, with the first reason and end", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.exempt(net("192.0.2.0/24"), kNow + Duration{600}, kDecision, kNow));
  const auto before = value(store.exemptions(kNow));
  value(store.end_exemption(net("192.0.2.0/24"), {.who = "o", .reason = "over"}, kNow));
  const auto id = latest(store);
  offend(store, "192.0.2.1", 1, kNow + Duration{5});
  CHECK_FALSE(listed(store).empty());
  const auto undone = undo(store, id, kNow + Duration{10});
  CHECK(undone.ended == 1);
  CHECK(value(store.exemptions(kNow)) == before);
  CHECK(listed(store).empty());
  CHECK(value(store.dossier(ip("192.0.2.1"), 0)).standing->times_listed == 0);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("a decision that has expired can't be undone, and is reported as such", "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  list(store, {net("192.0.2.1")}, kNow + Duration{60}, "r");
  value(store.exempt(net("198.51.100.1"), kNow + Duration{60}, kDecision, kNow));
  value(store.expire(kNow + Duration{60}));
  CHECK(undo(store, 1, kNow + Duration{61}).outcome == Outcome::superseded);
  CHECK(undo(store, 2, kNow + Duration{61}).outcome == Outcome::superseded);
  CHECK(value(store.audit(9)).size() == 2);
}

TEST_CASE("deliveries to a retired trap are ignored until it is restored", "[schema][traps]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 0), incident("192.0.2.1", 1)});
  CHECK(value(store.retire_trap("t2@trap.example.net", kDecision, kNow)));
  CHECK_FALSE(value(store.retire_trap("t2@trap.example.net", kDecision, kNow)));
  const auto recorded = record(store, {incident("192.0.2.1", 2), incident("192.0.2.1", 3)});
  CHECK(recorded.incidents == 1);
  CHECK(recorded.left_alone == 1);
  CHECK(value(store.stats(kNow)).feeds.at(0).counts.not_a_trap == 1);
  const auto traps = value(store.traps());
  REQUIRE(traps.size() == 3);
  CHECK(traps[0].incidents == 2);
  CHECK(traps[0].senders == 1);
  CHECK(traps[0].campaigns == 2);
  CHECK_FALSE(traps[0].retired_since);
  CHECK(traps[2].address == "t2@trap.example.net");
  CHECK(traps[2].incidents == 0);
  CHECK(traps[2].retired_since == kNow);
  CHECK(traps[2].reason == "because");
  SECTION("by restoring it") { CHECK(value(store.restore_trap("t2@trap.example.net", kDecision, kNow))); }
  SECTION("by undoing that it was retired") { CHECK(undo(store, 1).outcome == Outcome::undone); }
  CHECK_FALSE(value(store.restore_trap("t2@trap.example.net", kDecision, kNow)));
  CHECK(record(store, {incident("192.0.2.1", 2)}).incidents == 1);
  CHECK(value(store.audit(9)).size() == 2);
}

TEST_CASE("undoing that a trap was restored retires it again", "[schema][traps]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  CHECK(value(store.retire_trap("t2@trap.example.net", kDecision, kNow)));
  CHECK(value(store.restore_trap("t2@trap.example.net", kDecision, kNow)));
  CHECK(undo(store, 1).outcome == Outcome::superseded);
  CHECK(undo(store, 2).outcome == Outcome::undone);
  CHECK(value(store.traps()).at(0).retired_since == kNow);
  CHECK(record(store, {incident("192.0.2.1", 2)}).left_alone == 1);
}

TEST_CASE("what is known of an address has its networks' changes, without decisions that were undone",
          "[schema][undo]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  const auto history = [&](const std::string& address) {
    std::string text;
    for (const auto& change : value(store.dossier(ip(address), 10)).history) {
      text += std::string(name_of(change.action)) + " " + change.prefix.to_string() + "\n";
    }
    return text;
  };
  const std::string seen = "listed 192.0.2.1\n";
  REQUIRE(history("192.0.2.1") == seen);
  list(store, {net("192.0.2.0/24")}, kNow + std::chrono::days{1}, "all of it");
  list(store, {net("192.0.2.0/23")}, std::nullopt, "wider");
  list(store, {net("192.0.2.2")}, std::nullopt, "another");
  CHECK(history("192.0.2.1") == "listed 192.0.2.0/23\nlisted 192.0.2.0/24\n" + seen);
  CHECK(history("192.0.2.3") == "listed 192.0.2.0/23\nlisted 192.0.2.0/24\n");
  undo(store, 2);
  value(store.expire(kNow + std::chrono::days{2}));
  // What the undo itself ended is told; without a beginning it says nothing to a reader.
  CHECK(history("192.0.2.3") == "expired 192.0.2.0/24\ndelisted 192.0.2.0/23\nlisted 192.0.2.0/24\n");
  value(store.delist(net("192.0.2.1"), kRegret, kNow));
  undo(store, latest(store));
  CHECK(history("192.0.2.1").find("delisted 192.0.2.1\n") == std::string::npos);
  CHECK(history("192.0.2.1").starts_with("listed 192.0.2.1\n"));
}
