// The account of a sender on a real database: when evidence expires, mail arrives late, and an exemption ends.
#include "account/account.h"
#include "catch.h"
#include "schema_fixture.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace blowback;               // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::schema_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;
using std::chrono::days;
using std::chrono::hours;

namespace {

constexpr const char* kSender = "192.0.2.10";

/// A list with its database in a folder of its own.
struct Kept {
  Folder folder;
  schema::Store store = open(folder.file("blowback.db"));

  account::Account account(UnixTime now = kNow) {
    return account::account_of(value(store.dossier(ip(kSender), 1'000)), demonstration(), now, 20);
  }
  /// The text with wrapped lines joined.
  std::string text(UnixTime now = kNow) {
    std::string flat;
    for (const char c : account::text_of(account(now), demonstration(), now, "hostmaster@bl.example.org", false)) {
      const char shown = c == '\n' ? ' ' : c;
      if (shown != ' ' || !flat.ends_with(' ')) flat += shown;
    }
    return flat;
  }
  /// The texts of all that was recorded more than a day ago.
  void expire_texts() { REQUIRE(keep_up(store, kNow, {.evidence = days{1}}).evidence > 0); }
};

std::vector<account::Cut> cuts_of(const account::Account& account) {
  std::vector<account::Cut> cuts;
  for (const auto& [cut, count] : account.cuts) cuts.insert(cuts.end(), count, cut);
  return cuts;
}

}  // namespace

TEST_CASE("traps, mailings and networks are counted alike before and after their texts expire",
          "[cli][account][kept]") {
  Kept kept;
  for (int i = 0; i < 2; ++i) {
    auto one = incident(kSender, i, kNow - (i == 0 ? days{3} : days{0}));
    one.witness = "@trap.example.net";
    one.campaign = "the same";
    one.origin = "198.51.100.0/24";
    record(kept.store, {one}, one.received_at);
  }
  const auto check = [&] {
    const auto account = kept.account();
    REQUIRE(account.seen.size() == 1);
    CHECK(account.seen[0].counted == 2);
    CHECK(account.seen[0].witnesses == 1);
    CHECK(account.seen[0].campaigns == 1);
    CHECK(account.seen[0].origins == 1);
    CHECK(account.witnesses == 1);
    CHECK_THAT(kept.text(), Contains("All 2 count: at 1 trap, of 1 forged mailing"));
  };
  check();
  CHECK_THAT(kept.text(), !Contains("expired"));
  kept.expire_texts();
  check();
  CHECK(kept.account().texts_expired == 1);
  CHECK_THAT(kept.text(), Contains("The texts of 1 of these incidents (names, ids, subjects and so on) have expired"));
}

TEST_CASE("the cap that cut an incident is named in whatever order the mail came", "[cli][account][kept]") {
  const bool newest_first = GENERATE(true, false);
  CAPTURE(newest_first);
  Kept kept;
  std::vector<Incident> mail;
  for (int i = 0; i < 4; ++i) mail.push_back(incident(kSender, 3 * i, kNow - days{3} - hours{i}));  // all at one trap
  if (!newest_first) std::ranges::reverse(mail);
  for (const auto& one : mail) record(kept.store, {one}, kNow - days{3});
  CHECK(cuts_of(kept.account()) == std::vector{account::Cut::witness});
  kept.expire_texts();
  CHECK(cuts_of(kept.account()) == std::vector{account::Cut::witness});
  // An undo scores again, in the order in which the mail was received.
  REQUIRE(value(kept.store.delist(net(kSender), kDecision, kNow)) == 0);
  const auto undone = value(kept.store.undo(1, kDecision, demonstration(), &score::reckon, kNow));
  REQUIRE(undone.outcome == schema::Undone::Outcome::undone);
  CHECK(cuts_of(kept.account()) == std::vector{account::Cut::witness});
}

TEST_CASE("the cap of letters without a trace is worked out after the texts have expired", "[cli][account][kept]") {
  Kept kept;
  for (int i = 0; i < 3; ++i) {
    auto one = incident(kSender, 3 * i, kNow - days{3} + hours{i});
    one.origin.clear();
    // The last one's text is kept longer than those of the others.
    record(kept.store, {one}, i < 2 ? one.received_at : kNow);
  }
  CHECK(cuts_of(kept.account()) == std::vector{account::Cut::origin});
  kept.expire_texts();
  CHECK(kept.account().texts_expired == 2);
  CHECK(cuts_of(kept.account()) == std::vector{account::Cut::origin});
}

TEST_CASE("late mail that has already faded lists nobody, and the account doesn't claim that it did",
          "[cli][account][kept]") {
  Kept kept;
  const UnixTime then = kNow - days{100};
  std::vector<Incident> old;
  for (int i = 0; i < 5; ++i) old.push_back(incident(kSender, i, then + hours{i}));
  const auto recorded = record(kept.store, old, kNow);
  CHECK(recorded.newly_listed.empty());
  CHECK(recorded.prolonged == 0);
  CHECK(kept.account().bygone.empty());
  CHECK_THAT(kept.text(), !Contains("listed before"));
  CHECK(value(kept.store.changes_around(ip(kSender), 100)).empty());
  value(kept.store.expire(kNow));
  CHECK(kept.account().bygone.empty());
  CHECK(value(kept.store.changes_around(ip(kSender), 100)).empty());
  CHECK(value(kept.store.check(ip(kSender), kNow)) == CodeSet{});

  SECTION("what lists it now is told, and its end, too") {
    for (int i = 10; i < 14; ++i) old.push_back(incident(kSender, i, kNow));
    CHECK(record(kept.store, {old.end() - 4, old.end()}, kNow).newly_listed.size() == 1);
    CHECK(value(kept.store.changes_around(ip(kSender), 100)).back().change.action == ListingChange::Action::listed);
    const UnixTime later = kNow + days{60};
    REQUIRE(value(kept.store.expire(later)) == 1);
    CHECK(value(kept.store.changes_around(ip(kSender), 100)).front().change.action == ListingChange::Action::expired);
    REQUIRE(kept.account(later).bygone.size() == 1);
    CHECK(kept.account(later).bygone[0].from == kNow);
  }
}

TEST_CASE("the account says why a sender isn't listed although its score is enough", "[cli][account][kept]") {
  Kept kept;
  std::vector<Incident> bounces;
  for (int i = 0; i < 4; ++i) bounces.push_back(incident(kSender, i));
  const auto recorded_first = GENERATE(true, false);
  CAPTURE(recorded_first);
  if (recorded_first) record(kept.store, bounces);
  REQUIRE(kept.store.exempt(net("192.0.2.0/24"), {}, kDecision, kNow));
  if (!recorded_first) record(kept.store, bounces);
  CHECK(kept.account().unlisted == account::Unlisted::none);
  REQUIRE(value(kept.store.end_exemption(net("192.0.2.0/24"), kDecision, kNow)));
  CHECK(kept.account().unlisted == account::Unlisted::was_exempt);
  CHECK_THAT(kept.text(),
             Contains(recorded_first ? "An exemption ended its listing; the next incident that counts lists it again."
                                     : "An exemption kept it off the list; the next incident that counts lists it."));
  record(kept.store, {incident(kSender, 9)});
  CHECK(kept.account().unlisted == account::Unlisted::none);
  CHECK_THAT(kept.text(), Contains("is LISTED") && !Contains("next incident"));
}
