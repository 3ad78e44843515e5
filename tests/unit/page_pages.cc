// What the pages say, with the real templates and languages.
#include "account/account.h"
#include "account/advice.h"
#include "account_fixture.h"
#include "catch.h"
#include "in_tree.h"
#include "page/api.h"
#include "page/pages.h"
#include "page/texts.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <regex>
#include <set>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;
using page::Language;

namespace {

const page::Pages& pages() {
  static const auto kPages = page::Pages::load(test::in_tree("web").string());
  if (!kPages) FAIL(kPages.error().text);
  return *kPages;
}

const page::About kAbout{.zone = "bl.example.org",
                         .url = "https://bl.example.org",
                         .contact = "delist@example.org",
                         .policy = {},
                         .retention = {},
                         .ttl = Duration{300}};

std::string text_of(page::Page made) {
  if (!made) FAIL(made.error().text);
  return *made;
}

/// Without markup, with the blanks of one line.
std::string plain(const std::string& html) {
  auto text = std::regex_replace(html, std::regex("<svg.*?</svg>|<[^>]*>"), " ");
  text = std::regex_replace(text, std::regex("&#39;"), "'");
  return std::regex_replace(text, std::regex(R"(\s+)"), " ");
}

schema::Dossier dossier(bool is_listed) {
  auto first = incident(kNow - days(1), "old.user@trap.example.net", "c1", 1);
  first.claims_trap = true;
  first.could_have_known = true;
  first.product = "postfix";
  auto late = incident(kNow - hours(2), "b@trap.example.net", "c1", 0);
  late.subject = "SECRET-TOKEN";
  auto made = dossier_of({late, incident(kNow - hours(3), "b@trap.example.net", "c2", 0.5), first});
  made.serial = 17;
  if (is_listed) made.listings = {automatic(kNow - hours(3), kNow + days(11) + hours(2))};
  return made;
}

std::string address(const schema::Dossier& about, Language language = Language::en) {
  const auto account = account::account_of(about, {}, kNow, account::kMostTerms);
  return text_of(
      pages().address(account, kAbout, kNow, {.language = language, .path = "/" + account.asked.to_string()}));
}

/// One of each state that a page can show.
std::vector<schema::Dossier> states() {
  std::vector<schema::Dossier> all{dossier(true), dossier(false), dossier_of({})};
  auto exempt = dossier(true);
  exempt.exemptions = {
      {.prefix = net("192.0.2.0/24"), .since = kNow - days(2), .expires_at = kNow + days(3), .reason = "our own."}};
  all.push_back(exempt);
  auto by_hand = dossier_of({});
  by_hand.listings = {{.prefix = net("192.0.0.0/16"),
                       .source = Source::by_operator,
                       .codes = Code::by_operator,
                       .listed_at = kNow - days(1),
                       .expires_at = std::nullopt,
                       .reason = "<b>broken</b>"}};
  all.push_back(by_hand);
  auto before = dossier(false);
  before.history = {{.serial = 2,
                     .at = kNow - days(1),
                     .action = ListingChange::Action::expired,
                     .prefix = net("192.0.2.7"),
                     .codes = Code::dsn},
                    {.serial = 1,
                     .at = kNow - days(9),
                     .action = ListingChange::Action::listed,
                     .prefix = net("192.0.2.7"),
                     .codes = Code::dsn,
                     .expires_at = kNow - days(1)}};
  all.push_back(before);
  auto forgiven = dossier(false);
  forgiven.standing->afresh_since = kNow - hours(1);
  forgiven.standing->times_listed = 2;
  all.push_back(forgiven);
  auto relayed = dossier_of({incident(kNow - hours(3), "b@trap.example.net", "c2", 0)});
  relayed.incidents.front().relayed = Relayed::trace;
  relayed.incidents.front().evidence_kept = false;
  relayed.incidents_in_all = 5;
  relayed.incidents_since = kNow - days(100);
  relayed.is_converting = true;
  all.push_back(relayed);
  auto callout = dossier_of({incident(kNow - hours(3), "b@trap.example.net", "c2", 0.5)});
  callout.incidents.front().kind = Kind::callout;
  callout.incidents.front().cause = Cause::none;
  callout.incidents.front().origin.clear();
  all.push_back(callout);
  auto six = dossier_of({incident(kNow - hours(3), "b@trap.example.net", "c2", 0.5)});
  six.asked = ip("2001:db8::7");
  six.sender = net("2001:db8::/64");
  all.push_back(six);
  for (const std::string point : {"127.0.0.1", "127.0.0.2"}) {
    auto test = dossier_of({});
    test.asked = ip(point);
    test.sender = Prefix::of(test.asked);
    all.push_back(test);
  }
  return all;
}

}  // namespace

TEST_CASE("every page can be made in every language, is whole, and says nothing that is missing", "[page]") {
  const Language language = GENERATE(Language::en, Language::de, Language::fr, Language::es);
  std::vector<std::string> made;
  for (const auto& state : states()) made.push_back(address(state, language));
  const page::View view{.language = language, .chosen = true, .path = "/192.0.2.0/24"};
  schema::NetworkState network{.serial = 3,
                               .around = {automatic(kNow - days(1), kNow + days(1))},
                               .within = {automatic(kNow, kNow + days(1))},
                               .more_within = true};
  network.around.front().prefix = net("192.0.0.0/16");
  network.around.front().reason = "by hand";
  network.exempt = {{.prefix = net("192.0.2.0/28"), .since = kNow, .expires_at = {}, .reason = "ours"}};
  made.push_back(text_of(pages().network(net("192.0.2.0/24"), network, kAbout, kNow, view)));
  made.push_back(text_of(pages().network(net("198.51.100.0/24"), {}, kAbout, kNow, view)));
  page::Figures figures;
  for (int i = 0; i < 90; ++i) figures.days.push_back({.day = kNow - days(90 - i)});
  made.push_back(text_of(pages().front(figures, kAbout, kNow, view)));
  figures.days[4].listed[0] = 7;
  figures.days[4].listings = 7;
  figures.days[9].expired = 5;
  figures.days[9].delisted = 1;
  made.push_back(text_of(pages().front(figures, kAbout, kNow, view)));
  for (const auto message : {page::Message::bad_address, page::Message::not_found, page::Message::too_many,
                             page::Message::unavailable, page::Message::method, page::Message::removal_elsewhere,
                             page::Message::removal_form, page::Message::removal_busy}) {
    made.push_back(text_of(pages().message(message, kAbout, view, "<script>x</script>", Duration{30})));
  }
  for (const auto& html : made) {
    CAPTURE(html);
    CHECK(html.starts_with("<!DOCTYPE html>"));
    CHECK_THAT(html, Contains(fmt::format("<html lang=\"{}\">", page::tag_of(language))) &&
                         Contains("<main id=\"content\">") && Contains("</html>"));
    CHECK_FALSE(html.contains("⟨"));
    CHECK_FALSE(html.contains("{{"));
    CHECK_FALSE(html.contains("<script"));
    CHECK_FALSE(html.contains("style="));
    CHECK_FALSE(std::regex_search(plain(html), std::regex(R"(\{[a-z_]+\})")));
    // Nothing is loaded from elsewhere.
    CHECK_FALSE(std::regex_search(html, std::regex(R"re((src|href)="(http:|//))re")));
    for (const std::string element :
         {"section", "article", "div", "ul", "li", "table", "tr", "td", "p", "svg", "details"}) {
      CAPTURE(element);
      const std::regex open("<" + element + "[ >]");
      const std::regex close("</" + element + ">");
      CHECK(std::distance(std::sregex_iterator(html.begin(), html.end(), open), {}) ==
            std::distance(std::sregex_iterator(html.begin(), html.end(), close), {}));
    }
  }
}

TEST_CASE("a listed sender reads what happened, what to change, and when it ends", "[page]") {
  const auto html = address(dossier(true));
  const auto text = plain(html);
  CHECK_THAT(text, Contains("Listed") && Contains("It is listed since 2026-11-24 07:00 (3 hours ago).") &&
                       Contains("127.0.0.2 bounces"));
  CHECK_THAT(text, Contains("ends by itself 2026-12-05 12:00 (in 11 days 2 hours)") &&
                       Contains("Nothing needs to be asked for or paid."));
  CHECK_THAT(text,
             Contains("3 × bounce (unknown user)") && Contains("2026-11-23 10h to 2026-11-24 08h, written by Postfix"));
  CHECK_THAT(text, Contains("3 count: at 2 independent traps, of 2 forged mailings."));
  CHECK_THAT(text, Contains("1 could have been refused"));
  CHECK_THAT(text, Contains("It accepts mail for recipients that don't exist") && Contains("Settings for Postfix") &&
                       !Contains("Exim:"));
  CHECK_THAT(html, Contains("<svg class=\"chart score\"") && Contains("relay_recipient_maps"));
  CHECK_THAT(html, Contains("<a href=\"mailto:delist@example.org\">delist@example.org</a>") &&
                       Contains("<meta name=\"robots\" content=\"noindex\">"));
  CHECK_THAT(html, Contains("list version 17"));
}

TEST_CASE("no page has a trap, a message's text, or a time that is more exact than the hour", "[page]") {
  for (const auto& state : states()) {
    const auto html = address(state);
    for (const std::string secret : {"trap.example.net", "old.user", "SECRET-TOKEN", "203.0.113", "<b>broken"})
      CHECK_FALSE(html.contains(secret));
  }
}

TEST_CASE("an address of which nothing is known says so, without what isn't there", "[page]") {
  const auto text = plain(address(dossier_of({})));
  CHECK_THAT(text, Contains("Never seen") && Contains("Nothing was ever seen of 192.0.2.7, and it isn't listed.") &&
                       Contains("There is nothing to remove."));
  CHECK_FALSE(text.contains("What happened"));
  CHECK_FALSE(text.contains("What to change"));
}

TEST_CASE("an exempt sender, a network by hand and a former listing are told apart", "[page]") {
  const auto all = states();
  CHECK_THAT(plain(address(all[3])), Contains("192.0.2.7 is exempt as part of 192.0.2.0/24 since") &&
                                         Contains(": our own.") && Contains("The exemption ends"));
  CHECK_THAT(address(all[4]), Contains("The operator listed 192.0.0.0/16: &lt;b&gt;broken&lt;/b&gt;."));
  CHECK_THAT(plain(address(all[4])),
             Contains("That stays until the operator ends it.") && Contains("The operator made this listing by hand."));
  CHECK_THAT(plain(address(all[5])),
             Contains("It was listed before, from 2026-11-15 10:00 to 2026-11-23 10:00, when the listing expired."));
  CHECK_THAT(plain(address(all[11])), Contains("127.0.0.2 is a test address. It is always answered as listed"));
  CHECK_THAT(address(all[11]), Contains("<title>127.0.0.2</title>"));
}

TEST_CASE("the English faults are those of the advice, and other languages mark English steps", "[page]") {
  const auto texts = page::AllTexts::load(test::in_tree("web/languages").string());
  REQUIRE(texts);
  const auto& english = texts->in(Language::en);
  for (const Cause cause :
       {Cause::unknown_user, Cause::over_quota, Cause::content_rejected, Cause::policy, Cause::delayed}) {
    CHECK(english.say(fmt::format("fault.{}", name_of(cause))) == account::fault_of(Kind::dsn, cause));
  }
  CHECK(english.say("fault.undeliverable") == account::fault_of(Kind::dsn, Cause::other));
  for (const Kind kind : {Kind::challenge, Kind::virus_notice, Kind::auto_reply, Kind::mdn, Kind::callout}) {
    CHECK(english.say(fmt::format("fault.{}", name_of(kind))) == account::fault_of(kind, Cause::none));
  }
  CHECK_THAT(address(dossier(true), Language::de),
             Contains("<ul class=\"steps\" lang=\"en\">") && Contains("Der Server nimmt Mail für Empfänger an"));
  CHECK_THAT(address(dossier(true)), Contains("<ul class=\"steps\">"));
}

TEST_CASE("a chosen language stays in all links, and another one is a link away", "[page]") {
  const auto account = account::account_of(dossier(true), {}, kNow, account::kMostTerms);
  const auto html =
      text_of(pages().address(account, kAbout, kNow, {.language = Language::de, .chosen = true, .path = "/192.0.2.7"}));
  CHECK_THAT(html, Contains("href=\"/?lang=de\"") && Contains("href=\"/192.0.2.7?lang=fr\"") &&
                       Contains("name=\"lang\" value=\"de\""));
  CHECK_FALSE(address(dossier(true)).contains("href=\"/?lang"));
}

TEST_CASE("the API says what the account says, and what the zone always answers", "[page][api]") {
  using nlohmann::json;
  const auto one =
      json::parse(page::json_of(account::account_of(dossier(true), {}, kNow, account::kMostTerms), kAbout));
  CHECK(one["ip"] == "192.0.2.7");
  CHECK(one["serial"] == 17);
  CHECK(one["listed"] == true);
  CHECK(one["listings"][0]["codes"] == json::array({"dsn"}));
  CHECK(one["contact"] == "delist@example.org");
  const std::vector<IpAddress> asked{ip("192.0.2.7"), ip("192.0.2.8"), ip("127.0.0.2")};
  const schema::Checked checked{.serial = 4, .all = {{.codes = Code::dsn, .until = kNow}, {}, {}}};
  const auto several = json::parse(page::json_of(asked, checked));
  CHECK(several["serial"] == 4);
  CHECK(several["addresses"] ==
        json::array({{{"ip", "192.0.2.7"}, {"listed", true}, {"codes", {"dsn"}}, {"until", to_iso8601(kNow)}},
                     {{"ip", "192.0.2.8"}, {"listed", false}, {"codes", json::array()}, {"until", nullptr}},
                     {{"ip", "127.0.0.2"}, {"listed", true}, {"codes", {"dsn"}}, {"until", nullptr}}}));
}

namespace {

std::string removal_of(const account::Removals& known, Language language, const std::string& form = "",
                       const std::string& mail = "") {
  auto account = account::account_of(dossier(true), {}, kNow, account::kMostTerms);
  account.removals = known;
  auto about = kAbout;
  about.removal_mail = mail;
  const auto html = text_of(pages().address(account, about, kNow, {.language = language, .path = "/192.0.2.7"}, form));
  const auto from = html.find("<h2 id=\"removal\">");
  return html.substr(from, html.find("</section>", from) - from);
}

RemovalRequest request_that_is(RemovalState state) {
  RemovalRequest request{.id = 1, .address = ip("192.0.2.7"), .sender = net("192.0.2.7"), .state = state};
  request.requested_at = kNow - hours(30);
  request.due_at = kNow + hours(18);
  if (state != RemovalState::pending) request.decided_at = kNow - hours(6);
  return request;
}

}  // namespace

TEST_CASE("the page says beforehand what a request means, in every language", "[page][removal]") {
  const auto [language, at_once, waits, next] = GENERATE(table<Language, std::string, std::string, std::string>(
      {{Language::en, "within a minute", "removed 2 times before at its own request. So a request waits 2 days now",
        "lasts 2 times as long"},
       {Language::de, "innerhalb einer Minute",
        "schon 2-mal auf eigenen Antrag ausgetragen. Deshalb wartet ein Antrag jetzt 2 Tage",
        "dauert diese Listung 2-mal so lange"},
       {Language::fr, "moins d’une minute",
        "déjà été retiré 2 fois à sa demande. Une demande attend donc maintenant 2 jours",
        "dure 2 fois plus longtemps"},
       {Language::es, "menos de un minuto",
        "ya fue retirado 2 veces a petición propia. Por eso una solicitud espera ahora 2 días", "dura 2 veces más"}}));
  const auto first = removal_of({}, language);
  CHECK_THAT(first, Contains(at_once) && Contains(next) && Contains("<code>curl -4") && !Contains("<form"));
  CHECK_FALSE(first.contains("mail.example"));
  const auto later = removal_of({.outlook = {.refused = {}, .earlier = 2, .wait = days(2)}, .requests = {}}, language,
                                "12-ab\"", "delist@mail.example");
  CHECK_THAT(later, Contains(waits) && Contains("value=\"12-ab&quot;\"") && Contains("action=\"/192.0.2.7/removal\"") &&
                        !Contains("curl"));
  CHECK_THAT(removal_of({}, language, "", "delist@mail.example"), Contains("delist@mail.example"));
}

TEST_CASE("what isn't removable, and what became of requests, is said in every language", "[page][removal]") {
  const auto language = GENERATE(Language::en, Language::de, Language::fr, Language::es);
  std::set<std::string> said;
  for (int i = 0; i <= static_cast<int>(RemovalRefusal::too_many); ++i) {
    const auto refusal = static_cast<RemovalRefusal>(i);
    const auto html = removal_of({.outlook = {.refused = refusal}, .requests = {}}, language, "12-ab");
    CAPTURE(html);
    CHECK_FALSE(html.contains("⟨"));
    CHECK_FALSE(html.contains("<form"));
    CHECK_FALSE(html.contains("curl"));
    auto request = request_that_is(RemovalState::refused);
    request.refused = refusal;
    const auto refused = plain(removal_of({.outlook = {}, .requests = {request}}, language));
    CHECK_FALSE(refused.contains("⟨"));
    CHECK_THAT(refused, Contains("2026-11-23 04:00") && Contains("2026-11-24 04:00"));
    said.insert(refused);
  }
  CHECK(said.size() == 8);
  const auto pending =
      removal_of({.outlook = {}, .requests = {request_that_is(RemovalState::pending)}}, language, "12-ab");
  CHECK_THAT(pending, Contains("2026-11-25 04:00") && !Contains("<form") && !Contains("curl"));
  auto undone = request_that_is(RemovalState::done);
  const auto done = removal_of({.outlook = {}, .requests = {undone}}, language, "12-ab");
  CHECK_THAT(done, Contains("<form"));  // listed again: it may ask again
  undone.undone = true;
  CHECK(removal_of({.outlook = {}, .requests = {undone}}, language, "12-ab") != done);
  const std::vector<RemovalRequest> many(20, request_that_is(RemovalState::done));
  const auto text = removal_of({.outlook = {}, .requests = many}, language);
  const std::regex hour("2026-11-23 04:00");
  CHECK(std::distance(std::sregex_iterator(text.begin(), text.end(), hour), {}) == 5);
}
