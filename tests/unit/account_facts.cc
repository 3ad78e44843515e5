// The account as values: what is counted, and that the terms add up.
#include "account/account.h"
#include "account_fixture.h"
#include "catch.h"

#include <cmath>
#include <numeric>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using account::account_of;

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
  auto newer = incident(kNow - hours(2) + Duration{61}, "a@trap.example.net", "c2", 1);
  newer.claims_trap = true;
  auto older = incident(kNow - hours(5), "b@trap.example.net", "c2", 1);
  older.could_have_known = true;
  older.product = "postfix";
  const auto account = account_of(dossier_of({reply, newer, older}), {}, kNow, 20);
  REQUIRE(account.seen.size() == 2);
  const auto& bounces = account.seen[0];
  CHECK(bounces.kind == Kind::dsn);
  CHECK(bounces.incidents == 2);
  CHECK(bounces.counted == 2);
  CHECK(bounces.witnesses == 2);
  CHECK(bounces.campaigns == 1);
  CHECK(bounces.origins == 1);
  CHECK(bounces.claims_trap == 1);
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
  const auto parts = account::in_hundredths(account);
  CAPTURE(incidents, credit);
  REQUIRE(parts.size() == account.terms.size() + 1);
  CHECK(sum(parts) == std::llround(account.score * 100));
  for (std::size_t i = 0; i < account.terms.size(); ++i) {
    CHECK(std::abs(static_cast<double>(parts[i]) - account.terms[i].left * 100) < 1.01);
    if (i > 0) CHECK(parts[i - 1] >= parts[i]);  // the same credits, and the older have faded more
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
  CHECK(account.terms[0].cut == account::Cut::none);
  CHECK(account.terms[1].cut == account::Cut::unknown);
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
  CHECK(account.witnesses == 1);
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

TEST_CASE("each term has the cap that cut it", "[cli][account]") {
  const Policy policy;
  const auto at = [](int hours_ago) { return kNow - hours(hours_ago); };
  // Oldest first, with the credits of a scorer: cut by trap, mailing, origin and mailbox, and not cut.
  std::vector<Incident> oldest_first;
  for (int i = 0; i < 3; ++i) {
    oldest_first.push_back(incident(at(90), "full@trap.example.net", "f" + std::to_string(i), 1));
    oldest_first.back().origin = "198.51." + std::to_string(i) + ".0/24";
  }
  const auto two_of = [&](const auto& change) {
    for (int i = 0; i < 2; ++i) {
      auto one = incident(at(80), "t" + std::to_string(oldest_first.size()) + "@trap.example.net",
                          "c" + std::to_string(oldest_first.size()), 1);
      one.origin = "198.18." + std::to_string(oldest_first.size()) + ".0/24";
      change(one);
      oldest_first.push_back(one);
    }
  };
  const auto campaign = [](Incident& one) { one.campaign = "full"; };
  const auto origin = [](Incident& one) { one.origin = "203.0.113.0/24"; };
  const auto mailbox = [](Incident& one) { one.mailbox = "note@example.org", one.mailbox_exists = true; };
  two_of(campaign);
  two_of(origin);
  two_of(mailbox);
  const auto cut_one = [&](const std::string& trap, const auto& change) {
    auto one = incident(at(1), trap, "n" + std::to_string(oldest_first.size()), 0.4);
    one.origin = "198.19." + std::to_string(oldest_first.size()) + ".0/24";
    change(one);
    oldest_first.push_back(one);
  };
  cut_one("full@trap.example.net", [](Incident&) {});
  cut_one("n1@trap.example.net", campaign);
  cut_one("n2@trap.example.net", origin);
  cut_one("n3@trap.example.net", mailbox);
  cut_one("n4@trap.example.net", [](Incident& one) { one.credit = 1; });
  const auto account = account_of(dossier_of({oldest_first.rbegin(), oldest_first.rend()}), policy, kNow, 20);
  REQUIRE(account.terms.size() == oldest_first.size());
  std::vector<account::Cut> cuts;
  for (std::size_t i = 5; i-- > 0;) cuts.push_back(account.terms[i].cut);
  CHECK(cuts == std::vector{account::Cut::witness, account::Cut::campaign, account::Cut::origin, account::Cut::mailbox,
                            account::Cut::none});
  CHECK(account.terms[5].cut == account::Cut::none);
  CHECK(account.cuts.size() == 4);
}

TEST_CASE("a credit that is shown as the whole weight isn't called cut", "[cli][account]") {
  const auto credit = GENERATE(0.9951, 0.9949, 1.0);
  const auto account = account_of(dossier_of({incident(kNow, "a@trap.example.net", "c", credit)}), {}, kNow, 20);
  REQUIRE(account.terms.size() == 1);
  CAPTURE(credit);
  CHECK((account.terms[0].cut != account::Cut::none) == (account::in_hundredths(credit) < 100));
}

TEST_CASE("an incident that doesn't count is no term, isn't evidence for a listing, and is counted by its reason",
          "[cli][account]") {
  auto passed_on = incident(kNow - hours(1), "b@trap.example.net", "c2", 0);
  passed_on.relayed = Relayed::mailing_list;
  passed_on.claims_trap = true;
  auto written_by_hand = incident(kNow - hours(2), "c@trap.example.net", "c3", 0);
  written_by_hand.reverse_path = ReversePath::set;
  auto twice = written_by_hand;
  const auto account = account_of(
      dossier_of({passed_on, written_by_hand, twice, incident(kNow - hours(3), "a@trap.example.net", "c1", 1)}), {},
      kNow, 20);
  REQUIRE(account.seen.size() == 1);
  const auto& seen = account.seen[0];
  CHECK(seen.incidents == 4);
  CHECK(seen.counted == 1);
  CHECK(seen.witnesses == 1);
  CHECK(seen.claims_trap == 0);
  REQUIRE(seen.uncounted.size() == 2);
  CHECK(seen.uncounted[0] == std::pair{Counting::set_reverse_path, std::uint64_t{2}});
  CHECK(seen.uncounted[1] == std::pair{Counting::relayed, std::uint64_t{1}});
  CHECK(account.counted == 1);
  CHECK(account.terms.size() == 1);
  CHECK(account.added_nothing == 0);
  CHECK(account.witnesses == 1);
}

TEST_CASE("what counted under an earlier policy is still called counted", "[cli][account]") {
  auto by_hand = incident(kNow - hours(2), "c@trap.example.net", "c3", 1);
  by_hand.reverse_path = ReversePath::set;
  const auto account = account_of(dossier_of({by_hand}), {}, kNow, 20);
  CHECK(account.counted == 1);
  CHECK(account.terms.size() == 1);
}

TEST_CASE("what names no origin is marked and weighs less", "[cli][account]") {
  auto untraced = incident(kNow, "a@trap.example.net", "c", 0.5);
  untraced.origin.clear();
  const auto account = account_of(dossier_of({untraced}), {}, kNow, 20);
  REQUIRE(account.terms.size() == 1);
  CHECK(account.terms[0].unknown_origin);
  CHECK(account.terms[0].weight == 0.5);
  CHECK(account.terms[0].cut == account::Cut::none);
  CHECK(account.origins == 0);
  CHECK(account.seen[0].unknown_origin == 1);
}

TEST_CASE("times of incidents are cut to the hour", "[cli][account]") {
  const auto account =
      account_of(dossier_of({incident(kNow + Duration{3599}, "a@trap.example.net", "c", 1)}), {}, kNow, 20);
  CHECK(account.terms[0].hour == kNow);
  CHECK(account.seen[0].first == kNow);
  CHECK(account.seen[0].last == kNow);
}

TEST_CASE("a product that our signatures don't have is never shown", "[cli][account]") {
  auto odd = incident(kNow, "a@trap.example.net", "c", 1);
  odd.product = "old.user.example.com";
  CHECK(account_of(dossier_of({odd}), {}, kNow, 20).seen[0].product.empty());
}

TEST_CASE("the addresses of a /64 that count are named, three at most", "[cli][account]") {
  std::vector<Incident> newest_first;
  for (int i = 0; i < 5; ++i) {
    newest_first.push_back(incident(kNow - hours(i), "a@trap.example.net", "c", 1));
    newest_first.back().client = ip("2001:db8::" + std::to_string(i + 1));
  }
  newest_first[0].relayed = Relayed::trace;
  newest_first[0].credit = 0;
  auto dossier = dossier_of(newest_first);
  dossier.sender = net("2001:db8::/64");
  dossier.asked = ip("2001:db8::1");
  const auto account = account_of(dossier, {}, kNow, 20);
  CHECK(account.clients == std::vector{ip("2001:db8::2"), ip("2001:db8::3"), ip("2001:db8::4")});
  CHECK(account.more_clients == 1);
  CHECK(account.asked_was_seen);
  dossier.asked = ip("2001:db8::99");
  CHECK_FALSE(account_of(dossier, {}, kNow, 20).asked_was_seen);
}

TEST_CASE("listed_at is the beginning of the time on the list without a gap", "[cli][account]") {
  using Action = ListingChange::Action;
  auto dossier = dossier_of({});
  dossier.listings = {automatic(kNow - days(9), kNow + days(6))};  // the time that a message was received
  dossier.history = {change(Action::prolonged, kNow - days(1), kNow + days(6)),
                     change(Action::prolonged, kNow - days(2), kNow + days(3)),
                     change(Action::listed, kNow - days(3), kNow + days(2))};
  CHECK(account_of(dossier, {}, kNow, 20).in_force[0].listed_at == kNow - days(3));
  CHECK(account_of(dossier, {}, kNow, 20).bygone.empty());
  // Prolonged after it had expired, before it was swept up: it was off the list for a day.
  dossier.history = {change(Action::prolonged, kNow - days(1), kNow + days(6)),
                     change(Action::listed, kNow - days(3), kNow - days(2))};
  const auto lapsed = account_of(dossier, {}, kNow, 20);
  CHECK(lapsed.in_force[0].listed_at == kNow - days(1));
  REQUIRE(lapsed.bygone.size() == 1);
  CHECK(lapsed.bygone[0].to == kNow - days(2));
}

TEST_CASE("a listing by hand that is over is known, with its network", "[cli][account]") {
  auto dossier = dossier_of({});
  auto begun = change(ListingChange::Action::listed, kNow - days(3), kNow - days(2));
  begun.prefix = net("192.0.2.0/24");
  begun.source = Source::by_operator;
  dossier.history = {begun};
  const auto account = account_of(dossier, {}, kNow, 20);
  REQUIRE(account.bygone.size() == 1);
  CHECK(account.bygone[0].source == Source::by_operator);
  CHECK(account.bygone[0].prefix == net("192.0.2.0/24"));
  CHECK(account.bygone[0].to == kNow - days(2));
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
      change(Action::listed, kNow - days(30), kNow - days(20)),     // expired, never swept up
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
