// The account in sentences: what a listed postmaster must find in it, and what must never be in it.
#include "account/account.h"
#include "account_fixture.h"
#include "catch.h"

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;

namespace {

std::string text_of(const schema::Dossier& dossier, const std::string& asked = "192.0.2.7", const Policy& policy = {},
                    bool bold = false) {
  auto about = dossier;
  about.asked = ip(asked);
  return account::text_of(account::account_of(about, policy, kNow, 20), policy, kNow, "hostmaster@bl.example.org",
                          bold);
}

// With the lines joined that were wrapped.
std::string flat(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

schema::Dossier listed() {
  auto first = incident(kNow - days(1), "old.user@trap.example.net", "c1", 1);
  first.claims_trap = true;
  first.could_have_known = true;
  auto dossier = dossier_of({incident(kNow - hours(2), "b@trap.example.net", "c1", 0),
                             incident(kNow - hours(3), "b@trap.example.net", "c2", 0.5), first});
  dossier.listings = {automatic(kNow - hours(3), kNow + days(11) + hours(2))};
  return dossier;
}

}  // namespace

TEST_CASE("a listed sender learns since when, with which codes, and to the minute when the listing expires",
          "[cli][why]") {
  const auto text = text_of(listed());
  CHECK_THAT(text, Contains("192.0.2.7 is LISTED since 2026-11-24 07:00 (3 hours ago), answered as 127.0.0.2 (dsn)."));
  CHECK_THAT(flat(text), Contains("ends by itself 2026-12-05 12:00 (in 11 days 2 hours)"));
}

TEST_CASE("what was seen is shown with number, time, number of traps, and what the returned mail claims",
          "[cli][why]") {
  const auto text = text_of(listed());
  CHECK_THAT(
      flat(text),
      Contains("3 × bounce (unknown user), 2026-11-23 10h to 2026-11-24 08h All 3 count: at 2 independent traps, of "
               "2 forged mailings, handed to this server from 1 network."));
  CHECK_THAT(flat(text), Contains("1 of them returned mail that claims to come from the trap itself"));
  CHECK_THAT(flat(text), Contains("1 of them could have been refused: the server's own header says that SPF failed"));
}

TEST_CASE("the sum has each term, with caps, thresholds and the number of traps that agree", "[cli][why]") {
  const auto text = text_of(listed());
  CHECK_THAT(text, Contains("half of it is left after 7 days"));
  CHECK_THAT(flat(text),
             Contains("received what weight added now 2026-11-24 07h bounce (unknown user) 1.00 0.50* 0.49"));
  CHECK_THAT(flat(text), Contains("2026-11-23 10h bounce (unknown user) 1.00 1.00 0.91") ||
                             Contains("2026-11-23 10h bounce (unknown user) 1.00 1.00 0.90"));
  CHECK_THAT(flat(text), Contains("besides 1 incident 0.00* 0.00"));
  CHECK_THAT(text, Contains("1 incident"));
  CHECK_THAT(flat(text),
             Contains("* added less than its weight: 1 because one network that handed mail in can add at most "
                      "2.00 (1.00 per trap and day if it isn't known), 1 under an earlier policy."));
  CHECK_THAT(flat(text), Contains("A sender is listed at 3.00, once 2 independent traps and 1 forged mailing agree"));
  CHECK_THAT(flat(text),
             Contains("2 independent traps (of 2 needed) and 2 forged mailings (of 1 needed) reported, about mail "
                      "that 1 network handed in."));
}

TEST_CASE("a sum without a cut doesn't mention caps", "[cli][why]") {
  const auto text = text_of(dossier_of({incident(kNow - hours(1), "a@trap.example.net", "c", 1)}));
  CHECK_THAT(text, !Contains("at most"));
  CHECK_THAT(text, Contains("is NOT LISTED."));
}

TEST_CASE("a score computed under another policy is marked as such", "[cli][why]") {
  auto dossier = dossier_of({incident(kNow - days(7), "a@trap.example.net", "c", 1)});
  Policy slower;
  slower.half_life = days(14);
  CHECK_THAT(text_of(dossier, "192.0.2.7", slower), Contains("scored under an earlier policy") && Contains("-0.21\n"));
}

TEST_CASE("no trap address is ever in the account", "[cli][why]") {
  const auto text = text_of(listed());
  CHECK_THAT(text, !Contains("old.user") && !Contains("trap.example"));
}

TEST_CASE("the advice fits what was seen", "[cli][why]") {
  auto dossier = listed();
  for (auto& one : dossier.incidents) one.product = "exim";
  const auto text = text_of(dossier);
  CHECK_THAT(text, Contains("accepts mail for recipients that don't exist"));
  CHECK_THAT(text, Contains("verify = recipient") && !Contains("relay_recipient_maps"));
}

TEST_CASE("an operator's listing is shown with its reason, without control characters", "[cli][why]") {
  auto dossier = dossier_of({});
  dossier.listings = {{.prefix = net("192.0.2.0/24"),
                       .source = Source::by_operator,
                       .codes = Code::by_operator,
                       .listed_at = kNow - days(1),
                       .expires_at = std::nullopt,
                       .reason = "ticket\x1b[2J 12."}};
  const auto text = text_of(dossier);
  CHECK_THAT(flat(text), Contains("as part of 192.0.2.0/24, answered as 127.0.0.9 (operator)"));
  CHECK_THAT(text, Contains("Nothing was seen of 192.0.2.7 itself.") &&
                       Contains("The operator listed 192.0.2.0/24: ticket [2J 12.\n") &&
                       Contains("until the operator ends it"));
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("an exemption is shown with its reason and end, and with the note that nothing is listed", "[cli][why]") {
  auto dossier = listed();
  dossier.exemptions = {
      {.prefix = net("192.0.2.0/24"), .since = kNow - days(1), .expires_at = kNow + days(1), .reason = "our own"}};
  const auto text = text_of(dossier);
  CHECK_THAT(text, Contains("is EXEMPT as part of 192.0.2.0/24") && Contains("our own") &&
                       Contains("The exemption ends 2026-11-25 10:00 (in 1 day)") && !Contains("is LISTED"));
}

TEST_CASE("a delisted sender reads when, and that it starts afresh", "[cli][why]") {
  auto dossier = dossier_of({incident(kNow - days(3), "a@trap.example.net", "c", 0)});
  dossier.standing->afresh_since = kNow - days(2);
  CHECK_THAT(text_of(dossier), Contains("It was delisted 2026-11-22 10:00 (2 days ago)"));
}

TEST_CASE("incidents before a delisting aren't shown as counting", "[cli][why]") {
  auto dossier = dossier_of({incident(kNow - days(3), "a@trap.example.net", "c1", 1),
                             incident(kNow - days(4), "b@trap.example.net", "c2", 1)});
  dossier.standing->afresh_since = kNow - days(2);
  dossier.witnesses.clear();
  dossier.campaigns.clear();
  dossier.origins.clear();
  const auto text = flat(text_of(dossier));
  CHECK_THAT(text, Contains("All 2 counted until it was delisted: at 2 independent traps"));
  CHECK_THAT(text, Contains("0 independent traps (of 2 needed) and 0 forged mailings (of 1 needed) reported."));
  CHECK_THAT(text, !Contains("All 2 count:") && !Contains("unknown networks"));
  // Some of them are named.
  dossier.standing->afresh_since = kNow - days(4);
  CHECK_THAT(flat(text_of(dossier)), Contains("All 2 count: at 2 independent traps") &&
                                         Contains("1 of these came before it was delisted, and counts no more"));
}

TEST_CASE("enough for a listing is explained where there is none, and no exemption was", "[cli][why]") {
  std::vector<Incident> newest_first;
  for (int i = 0; i < 4; ++i) {
    newest_first.push_back(
        incident(kNow - hours(i), std::to_string(i) + "@trap.example.net", "c" + std::to_string(i), 1));
  }
  Policy policy;
  CHECK_THAT(flat(text_of(dossier_of(newest_first))),
             Contains("Addresses of this kind are never listed automatically"));
  policy.allow_documentation = true;
  CHECK_THAT(flat(text_of(dossier_of(newest_first), "192.0.2.7", policy)),
             Contains("enough for a listing, but only an incident lists a sender"));
  policy.distinct_traps = 5;
  CHECK_THAT(flat(text_of(dossier_of(newest_first), "192.0.2.7", policy)), !Contains("enough for a listing"));
}

TEST_CASE("a sender whose incidents don't count learns so, and isn't blamed", "[cli][why]") {
  auto passed_on = incident(kNow - hours(1), "a@trap.example.net", "c", 0);
  passed_on.relayed = Relayed::trace;
  passed_on.claims_trap = true;
  const auto text = flat(text_of(dossier_of({passed_on})));
  CHECK_THAT(text, Contains("192.0.2.7 is NOT LISTED.") && Contains("Nothing that was seen of it counts.") &&
                       Contains("It doesn't count: passed on by this server, not created there."));
  CHECK_THAT(text, !Contains("What to change") && !Contains("The sum") && !Contains("claims to come"));
}

TEST_CASE("each cap that cut the sum is named with its figure", "[cli][why]") {
  std::vector<Incident> newest_first{incident(kNow - hours(1), "c@trap.example.net", "c1", 0.01),
                                     incident(kNow - hours(2), "b@trap.example.net", "c1", 1),
                                     incident(kNow - hours(3), "a@trap.example.net", "c1", 1)};
  int n = 0;
  for (auto& one : newest_first) one.origin = "203.0." + std::to_string(++n) + ".0/24";
  CHECK_THAT(flat(text_of(dossier_of(newest_first))),
             Contains("* added less than its weight: 1 because one forged mailing can add at most 2.00."));
  newest_first[0].campaign = "c2";
  newest_first[0].origin = newest_first[1].origin = newest_first[2].origin;
  CHECK_THAT(flat(text_of(dossier_of(newest_first))),
             Contains("1 because one network that handed mail in can add at most 2.00 (1.00 per trap and day if it "
                      "isn't known)."));
}

TEST_CASE("incidents without a trace of the original are shown with half the weight", "[cli][why]") {
  auto untraced = incident(kNow - hours(1), "a@trap.example.net", "c", 0.5);
  untraced.origin.clear();
  CHECK_THAT(flat(text_of(dossier_of({untraced}))),
             Contains("bounce (unknown user), no trace 0.50 0.50") &&
                 Contains("\"no trace\" weighs 0.50 of the others") &&
                 Contains("reported, about mail that unknown networks handed in"));
}

TEST_CASE("a former listing by hand is shown as the operator's", "[cli][why]") {
  auto dossier = dossier_of({});
  dossier.history = {{.serial = 1,
                      .at = kNow - days(3),
                      .action = ListingChange::Action::listed,
                      .prefix = net("192.0.2.0/24"),
                      .source = Source::by_operator,
                      .codes = Code::by_operator,
                      .expires_at = kNow - days(2)}};
  CHECK_THAT(flat(text_of(dossier)),
             Contains("192.0.2.7 is NOT LISTED. Nothing was seen of 192.0.2.7 itself. The operator had "
                      "listed 192.0.2.0/24 before, from 2026-11-21 10:00 to 2026-11-22 10:00, when the "
                      "listing expired."));
}

TEST_CASE("it names whom to write to", "[cli][why]") {
  CHECK_THAT(text_of(listed()), Contains("Questions: hostmaster@bl.example.org\n"));
}

TEST_CASE("a sender never seen reads just that", "[cli][why]") {
  CHECK(text_of(dossier_of({})) == "Nothing was ever seen of 192.0.2.7, and it isn't listed.\n");
}

TEST_CASE("an IPv6 sender reads that its /64 is counted as one", "[cli][why]") {
  auto dossier = listed();
  dossier.sender = net("2001:db8:1:2::/64");
  for (auto& one : dossier.incidents) one.client = ip("2001:db8:1:2::99");
  CHECK_THAT(flat(text_of(dossier, "2001:db8:1:2::25")),
             Contains("2001:db8:1:2::25 (counted as 2001:db8:1:2::/64,") &&
                 Contains("What counts came from 2001:db8:1:2::99. Nothing was seen of 2001:db8:1:2::25 itself."));
  CHECK_THAT(flat(text_of(dossier, "2001:db8:1:2::99")), !Contains("nothing was seen"));
}

TEST_CASE("no line is wider than a mail should be, and a setting stays whole", "[cli][why]") {
  const std::string text = text_of(listed());
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    CAPTURE(text.substr(at, end - at));
    CHECK(end - at <= 110);  // octets; some characters have more than one
    at = end + 1;
  }
  CHECK_THAT(text, Contains("`Set-RecipientFilterConfig -RecipientValidationEnabled $true`"));
}

TEST_CASE("one mailing alone is called what it is", "[cli][why]") {
  auto dossier = dossier_of({incident(kNow - hours(2), "a@trap.example.net", "c1", 0),
                             incident(kNow - hours(3), "b@trap.example.net", "c1", 1),
                             incident(kNow - hours(4), "c@trap.example.net", "c1", 1)});
  CHECK_THAT(flat(text_of(dossier)), Contains("one forged mailing that was aimed at this server, a joe-job"));
  CHECK_THAT(text_of(listed()), !Contains("joe-job"));
}

TEST_CASE("the product is called by its name", "[cli][why]") {
  auto one = incident(kNow - hours(2), "a@trap.example.net", "c1", 1);
  one.product = "exchange";
  CHECK_THAT(flat(text_of(dossier_of({one}))), Contains("written by Microsoft Exchange"));
  one.product = "never-heard-of";
  CHECK_THAT(flat(text_of(dossier_of({one}))), !Contains("written by") && !Contains("never-heard-of"));
}

TEST_CASE("headings are bold only where asked", "[cli][why]") {
  CHECK_THAT(text_of(listed(), "192.0.2.7", {}, true), Contains("\x1b[1mThe sum\x1b[0m"));
  CHECK(text_of(listed()).find('\x1b') == std::string::npos);
}

TEST_CASE("with more incidents than are read, the account says about how many it is", "[cli][why]") {
  auto dossier = listed();
  dossier.incidents_in_all = 40'000;
  CHECK_THAT(text_of(dossier), Contains("the newest 3 of 40000 incidents"));
}

TEST_CASE("the account says so if no incident is stored any more, or none is converted yet", "[cli][why]") {
  auto dossier = listed();
  dossier.incidents.clear();
  dossier.incidents_since = kNow - days(365);
  CHECK_THAT(flat(text_of(dossier)), Contains("Incidents before 2025-11-24 10:00 are no longer stored one by one"));
  auto unknown = dossier_of({});
  CHECK_THAT(flat(text_of(unknown)), !Contains("converted"));
  unknown.is_converting = true;
  CHECK_THAT(flat(text_of(unknown)), Contains("Earlier incidents are being converted"));
}
