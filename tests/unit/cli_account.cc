// The account as values: what is counted, and that the terms add up.
#include "account.h"
#include "cli_fixture.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using cli::account_of;

namespace {

std::int64_t sum(const std::vector<std::int64_t>& parts) { return std::accumulate(parts.begin(), parts.end(), 0L); }

ListingChange change(ListingChange::Action action, UnixTime at, std::optional<UnixTime> expires_at = std::nullopt) {
  return {.serial = 1,
          .at = at,
          .action = action,
          .prefix = net("192.0.2.7"),
          .source = Source::automatic,
          .codes = Code::dsn,
          .expires_at = expires_at};
}

}  // namespace

TEST_CASE("incidents are counted by kind and cause, the most frequent first", "[cli][account]") {
  auto reply = incident(kNow - hours(1), "a@trap.example.net", "c1", 0.7);
  reply.kind = Kind::auto_reply;
  reply.cause = Cause::none;
  auto newer = incident(kNow - hours(2), "a@trap.example.net", "c2", 1);
  newer.proved = true;
  auto older = incident(kNow - hours(5), "b@trap.example.net", "c2", 1);
  older.could_have_known = true;
  older.product = "postfix";
  const auto account = account_of(dossier_of({reply, newer, older}), {}, kNow, 20);
  REQUIRE(account.seen.size() == 2);
  const auto& bounces = account.seen[0];
  CHECK(bounces.kind == Kind::dsn);
  CHECK(bounces.incidents == 2);
  CHECK(bounces.traps == 2);
  CHECK(bounces.campaigns == 1);
  CHECK(bounces.proved == 1);
  CHECK(bounces.could_have_known == 1);
  CHECK(bounces.product == "postfix");
  CHECK(bounces.first == kNow - hours(5));
  CHECK(bounces.last == kNow - hours(2));
  CHECK(account.seen[1].kind == Kind::auto_reply);
}

TEST_CASE("terms beyond the newest are one summed rest, and all add up to the score", "[cli][account]") {
  std::vector<Incident> newest_first;
  for (int i = 0; i < 33; ++i) {
    newest_first.push_back(incident(kNow - hours(7 * i), "t" + std::to_string(i % 5) + "@trap.example.net", "c", 0.37));
  }
  const auto account = account_of(dossier_of(newest_first), {}, kNow, 20);
  REQUIRE(account.terms.size() == 20);
  CHECK(account.older_incidents == 13);
  double told = account.older;
  for (const auto& term : account.terms) told += term.left;
  CHECK(told == Approx(account.score));
  CHECK(account.older > 0);
}

TEST_CASE("the hundredths that are shown add up exactly to the score that is shown", "[cli][account]") {
  const int incidents = GENERATE(1, 2, 3, 7, 20, 21, 60);
  const double credit = GENERATE(1.0, 0.333, 0.7, 0.015);
  std::vector<Incident> newest_first;
  for (int i = 0; i < incidents; ++i) {
    newest_first.push_back(incident(kNow - hours(5 * i + 3), "t@trap.example.net", "c", credit));
  }
  const auto account = account_of(dossier_of(newest_first), {}, kNow, 20);
  const auto parts = cli::in_hundredths(account);
  CAPTURE(incidents, credit);
  REQUIRE(parts.size() == account.terms.size() + 1);
  CHECK(sum(parts) == std::llround(account.score * 100));
  for (std::size_t i = 0; i < account.terms.size(); ++i) {
    CHECK(std::abs(static_cast<double>(parts[i]) - account.terms[i].left * 100) < 1.01);
  }
}

TEST_CASE("incidents that added nothing are counted, not listed among the terms", "[cli][account]") {
  std::vector<Incident> newest_first(25, incident(kNow - hours(1), "a@trap.example.net", "c", 0));
  newest_first.push_back(incident(kNow - hours(2), "a@trap.example.net", "c", 1));
  const auto account = account_of(dossier_of(newest_first), {}, kNow, 20);
  CHECK(account.terms.size() == 1);
  CHECK(account.added_nothing == 25);
  CHECK(account.older_incidents == 0);
}

TEST_CASE("a term is cut where its credit is less than weight times confidence", "[cli][account]") {
  auto unsure = incident(kNow, "a@trap.example.net", "c", 0.8);
  unsure.confidence = 0.8;
  const auto account = account_of(dossier_of({unsure, incident(kNow, "b@trap.example.net", "c", 0.2)}), {}, kNow, 20);
  REQUIRE(account.terms.size() == 2);
  CHECK_FALSE(cli::is_cut(account.terms[0]));
  CHECK(cli::is_cut(account.terms[1]));
}

TEST_CASE("what came before a delisting has no term", "[cli][account]") {
  auto dossier = dossier_of({incident(kNow - hours(1), "a@trap.example.net", "c", 1)});
  dossier.incidents.push_back(incident(kNow - hours(9), "b@trap.example.net", "c", 1));
  dossier.incidents_in_all = 2;
  dossier.standing->afresh_since = kNow - hours(9);
  const auto account = account_of(dossier, {}, kNow, 20);
  CHECK(account.terms.size() == 1);
  CHECK(account.older_incidents == 0);
  CHECK(account.older == Approx(0).margin(1e-9));
  CHECK(account.incidents_in_all == 2);
}

TEST_CASE("only traps and mailings within the policy's memory agree", "[cli][account]") {
  const auto account = account_of(dossier_of({incident(kNow - days(27), "a@trap.example.net", "c1", 1),
                                              incident(kNow - days(28), "b@trap.example.net", "c2", 1)}),
                                  {}, kNow, 20);
  CHECK(account.traps == 1);
  CHECK(account.campaigns == 1);
}

TEST_CASE("a listing that has run out isn't in force, and an exemption keeps one from being served", "[cli][account]") {
  auto dossier = dossier_of({});
  dossier.listings = {automatic(kNow - days(2), kNow)};
  CHECK(account_of(dossier, {}, kNow, 20).in_force.empty());
  CHECK_FALSE(account_of(dossier, {}, kNow, 20).is_listed());
  dossier.listings = {automatic(kNow - days(2), kNow + Duration{1})};
  CHECK(account_of(dossier, {}, kNow, 20).is_listed());
  dossier.exemptions = {{.prefix = net("192.0.2.0/24"), .since = kNow, .expires_at = {}, .reason = "ours"}};
  const auto account = account_of(dossier, {}, kNow, 20);
  CHECK_FALSE(account.is_listed());
  CHECK(account.is_known());
}

TEST_CASE("a sender never seen is not known", "[cli][account]") {
  CHECK_FALSE(account_of(dossier_of({}), {}, kNow, 20).is_known());
}

TEST_CASE("earlier listings are read from the journal, however they ended", "[cli][account]") {
  using Action = ListingChange::Action;
  auto dossier = dossier_of({});
  dossier.history = {
      // newest first
      change(Action::listed, kNow - days(1), kNow + days(6)),       // still in force
      change(Action::delisted, kNow - days(10)),                    // by the operator
      change(Action::listed, kNow - days(12), kNow - days(5)),      //
      change(Action::listed, kNow - days(30), kNow - days(20)),     // ran out, swept up by nobody
      change(Action::expired, kNow - days(40)),                     // swept up late
      change(Action::prolonged, kNow - days(55), kNow - days(41)),  //
      change(Action::listed, kNow - days(60), kNow - days(53)),
  };
  const auto account = account_of(dossier, {}, kNow, 20);
  REQUIRE(account.bygone.size() == 3);
  CHECK(account.bygone[0].from == kNow - days(12));
  CHECK(account.bygone[0].to == kNow - days(10));
  CHECK(account.bygone[0].by_operator);
  CHECK(account.bygone[1].from == kNow - days(30));
  CHECK(account.bygone[1].to == kNow - days(20));
  CHECK_FALSE(account.bygone[1].by_operator);
  CHECK(account.bygone[2].from == kNow - days(60));
  CHECK(account.bygone[2].to == kNow - days(41));
}
