// From a request to an answer, with the real templates and a real database.
#include "answers.h"
#include "catch.h"
#include "in_tree.h"
#include "schema_fixture.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <vector>

using namespace blowback;               // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::schema_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;
using nlohmann::json;
using std::chrono::days;
using std::chrono::hours;

namespace {

struct Page {
  Folder folder;
  schema::Store store = open(folder.file("blowback.db"));
  UnixTime now = kNow;
  std::vector<std::string> reported;
  RemovalRules rules;
  std::string key = "secret of this process";
  http::RateLimit limits;
  site::Stores stores{folder.file("blowback.db")};
  std::unique_ptr<site::Answers> answers = made();

  std::unique_ptr<site::Answers> made(int requests = 0) {
    config::Config config;
    config.database = folder.file("blowback.db");
    config.policy = demonstration();
    config.removal.rules = rules;
    config.web.url = "https://bl.example.org";
    config.web.requests = requests;
    config.web.proxies = {*Prefix::parse("127.0.0.0/8")};
    auto pages = page::Pages::load(test::in_tree("web").string());
    if (!pages) FAIL(pages.error().text);
    page::About about{.zone = "bl.example.org",
                      .url = "https://bl.example.org",
                      .contact = "delist@example.org",
                      .policy = config.policy,
                      .retention = {},
                      .ttl = Duration{300},
                      .removal_mail = "delist@mail.example.org"};
    auto in_force = std::make_shared<const site::InForce>(
        site::InForce{.config = config, .about = about, .pages = std::move(*pages)});
    return std::make_unique<site::Answers>(
        in_force, stores, limits, site::RemovalForm(key), [this] { return now; },
        [this](std::string_view event, const std::string&) { reported.emplace_back(event); });
  }

  http::Response get(const std::string& target, const std::string& language = "", const std::string& etag = "",
                     const std::string& from = "") {
    return answers->answer({.target = target,
                            .accept_language = language,
                            .if_none_match = etag,
                            .forwarded_for = from,
                            .peer = ip("127.0.0.1")});
  }

  /// As a browser at `from` gets the page.
  http::Response visit(const std::string& target, const std::string& from, const std::string& host = "bl.example.org") {
    return answers->answer({.target = target, .host = host, .forwarded_for = from, .peer = ip("127.0.0.1")});
  }

  /// The form's value as the page has it for this visitor; "": it has no form.
  std::string form(const std::string& address, const std::string& from) {
    std::smatch found;
    const auto html = visit("/" + address, from).body;
    return std::regex_search(html, found, std::regex("name=\"form\" value=\"([^\"]*)\"")) ? found[1].str() : "";
  }

  /// As the page's form in a browser sends it.
  http::Request posted(const std::string& address, const std::string& from, const std::string& form) {
    return {.method = http::Request::Method::post,
            .target = "/" + address + "/removal",
            .body = "form=" + form,
            .content_type = "application/x-www-form-urlencoded",
            .host = "bl.example.org",
            .origin = "https://bl.example.org",
            .fetch_site = "same-origin",
            .forwarded_for = from,
            .peer = ip("127.0.0.1")};
  }

  /// As curl sends it.
  http::Request curled(const std::string& address, const std::string& from) {
    return {.method = http::Request::Method::post,
            .target = "/api/v1/ip/" + address + "/removal",
            .host = "bl.example.org",
            .accept = "*/*",
            .wants_removal = "yes",
            .forwarded_for = from,
            .peer = ip("127.0.0.1")};
  }

  std::size_t requests() { return value(store.removals({.of = {}, .state = {}})).size(); }

  void list(const std::string& client) {
    std::vector<Incident> incidents;
    for (int i = 0; i < 6; ++i) {
      incidents.push_back(incident(client, ++number, now - hours(1)));
    }
    REQUIRE(record(store, incidents, now).newly_listed.size() == 1);
  }
  int number = 0;
};

std::string field(const http::Response& response, const std::string& name) {
  const auto found = std::ranges::find(response.fields, name, &std::pair<std::string, std::string>::first);
  return found == response.fields.end() ? "" : found->second;
}

}  // namespace

TEST_CASE("an address has one path, and other spellings lead to it", "[site]") {
  Page page;
  page.list("192.0.2.10");
  CHECK(page.get("/192.0.2.10").status == 200);
  CHECK_THAT(page.get("/192.0.2.10").body, Contains("It is listed since"));
  for (const std::string spelling : {"/::ffff:192.0.2.10", "/192.0.2.10/", "/192.0.2.10/32", "/%3192.0.2.10%20"}) {
    CAPTURE(spelling);
    const auto response = page.get(spelling);
    CHECK(response.status == 301);
    CHECK(field(response, "Location") == "/192.0.2.10");
  }
  CHECK(field(page.get("/2001:DB8:0::1?lang=de"), "Location") == "/2001:db8::1?lang=de");
  CHECK(field(page.get("/lookup?ip=%5B2001%3ADB8%3A%3A1%5D"), "Location") == "/2001:db8::1");
  CHECK(page.get("/lookup?ip=+192.0.2.10+&lang=fr").status == 303);
  CHECK(field(page.get("/lookup?ip=+192.0.2.10+&lang=fr"), "Location") == "/192.0.2.10?lang=fr");
}

TEST_CASE("what is no address gets a page that says how to write one, and no redirect out of here", "[site]") {
  Page page;
  for (const std::string target :
       {"/nonsense", "/192.0.2.300", "//evil.example", "/..%2f..%2fetc", "/%3Cscript%3E", "/\xc3\xa9"}) {
    CAPTURE(target);
    const auto response = page.get(target);
    CHECK(response.status == 404);
    CHECK_THAT(response.body,
               Contains("This is no address") && Contains("<code>192.0.2.10</code>") && !Contains("<script"));
    CHECK(field(response, "Location").empty());
  }
  CHECK(page.get("/lookup?ip=//evil.example").status == 400);
  CHECK(page.get("/lookup").status == 400);
  CHECK(page.get("/%").status == 400);
  CHECK(page.get("/api/v2/x").status == 404);
  CHECK(page.answers->answer({.method = http::Request::Method::other, .target = "/", .peer = ip("127.0.0.1")}).status ==
        405);
}

TEST_CASE("every answer has the fields that keep a browser from loading anything else", "[site]") {
  Page page;
  for (const std::string target : {"/", "/192.0.2.10", "/nonsense", "/style.css", "/robots.txt", "/favicon.ico",
                                   "/health", "/api/v1/ip/192.0.2.1", "/api/x", "/%", "/lookup?ip=1.2.3.4"}) {
    CAPTURE(target);
    const auto response = page.get(target);
    CHECK_THAT(field(response, "Content-Security-Policy"),
               Contains("default-src 'none'") && Contains("frame-ancestors 'none'") && Contains("form-action 'self'"));
    CHECK(field(response, "X-Content-Type-Options") == "nosniff");
    CHECK(field(response, "Referrer-Policy") == "same-origin");
    CHECK(field(response, "Set-Cookie").empty());
  }
  CHECK(field(page.get("/192.0.2.10"), "X-Robots-Tag") == "noindex");
  CHECK(field(page.get("/"), "X-Robots-Tag").empty());
}

TEST_CASE("the language is that of the link, else that of the browser", "[site]") {
  Page page;
  CHECK(field(page.get("/", "de"), "Content-Language") == "de");
  CHECK(field(page.get("/?lang=fr", "de"), "Content-Language") == "fr");
  CHECK(field(page.get("/?lang=xx", "es;q=0.2"), "Content-Language") == "es");
  CHECK(field(page.get("/"), "Vary") == "Accept-Language");
}

TEST_CASE("what has not changed isn't sent again, and a change has another tag", "[site]") {
  Page page;
  const auto first = page.get("/api/v1/ip/192.0.2.10");
  const auto etag = field(first, "ETag");
  REQUIRE(etag.size() == 34);
  for (const auto& named : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
    const auto again = page.get("/api/v1/ip/192.0.2.10", "", named);
    CHECK(again.status == 304);
    CHECK(again.body.empty());
  }
  page.list("192.0.2.10");
  const auto changed = page.get("/api/v1/ip/192.0.2.10", "", etag);
  CHECK(changed.status == 200);
  CHECK(json::parse(changed.body)["listed"] == true);
  CHECK(page.get("/style.css", "", field(page.get("/style.css"), "ETag")).status == 304);
}

TEST_CASE("page, API and check agree at each serial while listings come and go", "[site]") {
  Page page;
  const std::vector<std::string> all{"192.0.2.10", "192.0.2.11", "192.0.2.12"};
  const auto agree = [&] {
    for (const auto& one : all) {
      const auto data = json::parse(page.get("/api/v1/ip/" + one).body);
      const auto brief = json::parse(page.get("/api/v1/ips?ip=" + one).body);
      const auto codes = value(page.store.check(ip(one), page.now));
      CHECK(data["listed"] == !codes.empty());
      CHECK(brief["addresses"][0]["listed"] == !codes.empty());
      CHECK(data["serial"] == brief["serial"]);
      CHECK(data["serial"] == value(page.store.zone_state(page.now)).serial());
      const auto html = page.get("/" + one).body;
      CHECK(html.contains(codes.empty() ? "class=\"state listed\"" : "class=\"state n") == false);
      CHECK_THAT(html, Contains("list version " + data["serial"].dump()));
    }
  };
  agree();
  page.list("192.0.2.10");
  agree();
  page.list("192.0.2.11");
  value(page.store.list(std::vector{net("192.0.2.12/31")}, page.now + hours(2), {.who = "me", .reason = "test"},
                        page.now));
  agree();
  value(page.store.delist(net("192.0.2.10"), {.who = "me", .reason = "fixed"}, page.now));
  agree();
  value(page.store.exempt(net("192.0.2.11"), std::nullopt, {.who = "me", .reason = "ours"}, page.now));
  agree();
  page.now += hours(3);  // the listing by hand ends by the clock, whether or not it was swept
  agree();
}

TEST_CASE("many addresses at once are answered in order, up to a hundred", "[site]") {
  Page page;
  page.list("192.0.2.10");
  const auto several =
      json::parse(page.get("/api/v1/ips?ip=192.0.2.11&ip=192.0.2.10&ip=2001:db8::1&ip=127.0.0.2").body)["addresses"];
  REQUIRE(several.size() == 4);
  CHECK(several[0]["listed"] == false);
  CHECK(several[1]["codes"] == json::array({"dsn"}));
  CHECK(several[1]["until"].is_string());
  CHECK(several[2]["ip"] == "2001:db8::1");
  CHECK(several[3]["listed"] == true);
  std::string many = "/api/v1/ips?";
  for (int i = 0; i < 100; ++i) many += "ip=192.0.2." + std::to_string(i) + "&";
  CHECK(page.get(many).status == 200);
  CHECK(page.get(many + "ip=192.0.2.200").status == 400);
  CHECK(page.get("/api/v1/ips").status == 400);
  CHECK(page.get("/api/v1/ips?ip=x").status == 400);
  CHECK(page.get("/api/v1/ip/192.0.2.0/24").status == 400);
}

TEST_CASE("a network shows what is listed around it and in it", "[site]") {
  Page page;
  page.list("192.0.2.10");
  value(page.store.list(std::vector{net("192.0.2.0/23")}, std::nullopt, {.who = "me", .reason = "a <b>reason</b>"},
                        page.now));
  const auto html = page.get("/192.0.2.0/24").body;
  CHECK_THAT(html, Contains("192.0.2.0/23") && Contains("a &lt;b&gt;reason&lt;/b&gt;") &&
                       Contains("1 listing lies within") && Contains("href=\"/192.0.2.10\""));
  CHECK_THAT(page.get("/198.51.100.0/24").body, Contains("Nothing in 198.51.100.0/24 is listed."));
  CHECK_THAT(page.get("/2001:db8:1::/64").body, Contains("Never seen"));  // a sender
}

TEST_CASE("who asks too often is told when to come back; visitors from this host aren't limited", "[site]") {
  Page page;
  page.answers = page.made(20);
  http::Response last;
  for (int i = 0; i < 20; ++i) last = page.get("/192.0.2.10", "", "", "198.51.100.7");
  CHECK(last.status == 200);
  CHECK(field(last, "RateLimit-Policy") == "\"address\";q=20;w=60");
  CHECK_THAT(field(last, "RateLimit"), Contains("\"address\";r=0;t="));
  const auto refused = page.get("/api/v1/ip/192.0.2.10", "", "", "198.51.100.7");
  CHECK(refused.status == 429);
  CHECK(std::stoi(field(refused, "Retry-After")) >= 1);
  CHECK(page.get("/192.0.2.10", "", "", "198.51.100.7").status == 429);
  CHECK(page.get("/", "", "", "198.51.100.7").status == 200);
  CHECK(page.get("/192.0.2.10", "", "", "198.51.100.8").status == 200);
  CHECK(page.get("/192.0.2.10", "", "", "203.0.113.1, 198.51.100.7").status ==
        429);  // the first was written by the client
  for (int i = 0; i < 30; ++i) CHECK(page.get("/192.0.2.10").status == 200);
}

TEST_CASE("without a database nobody is said to be listed or not", "[site]") {
  Page page;
  page.list("192.0.2.10");
  CHECK(page.get("/health").status == 200);
  std::filesystem::rename(page.folder.file("blowback.db"), page.folder.file("away.db"));
  for (const std::string target :
       {"/", "/192.0.2.10", "/192.0.2.0/24", "/api/v1/ip/192.0.2.10", "/api/v1/ips?ip=192.0.2.10"}) {
    CAPTURE(target);
    const auto response = page.get(target);
    CHECK(response.status == 503);
    CHECK(field(response, "Retry-After") == "60");
    CHECK_FALSE(response.body.contains("never"));
  }
  CHECK(page.get("/health").status == 503);
  CHECK_FALSE(page.reported.empty());
  std::filesystem::rename(page.folder.file("away.db"), page.folder.file("blowback.db"));
  CHECK(page.get("/192.0.2.10").status == 200);
}

TEST_CASE("the front page counts the days' listings, and what ended by itself", "[site]") {
  Page page;
  CHECK_THAT(page.get("/").body, Contains("No automatic listing has begun or ended"));
  page.list("192.0.2.10");
  CHECK_THAT(page.get("/").body,
             Contains("In these days 1 automatic listings began and 0 ended.") && Contains("1 listing is in force"));
  page.now += days(40);
  while (value(page.store.expire(page.now)) > 0) {
  }
  CHECK_THAT(page.get("/").body, Contains("1 (100 %) ended by themselves") && Contains("<svg class=\"chart days\"") &&
                                     Contains("0 listings are in force"));
}

TEST_CASE("the listed address itself gets a form, which files one request; the page then shows it", "[site][removal]") {
  Page page;
  page.list("192.0.2.10");
  const auto first = page.visit("/192.0.2.10", "192.0.2.10");
  CHECK_THAT(first.body, Contains("<form class=\"removal\" method=\"post\" action=\"/192.0.2.10/removal\">") &&
                             Contains("Remove 192.0.2.10 from the list") && !Contains("curl"));
  CHECK(field(first, "Cache-Control") == "no-store");
  CHECK(field(first, "ETag").empty());
  const auto form = page.form("192.0.2.10", "192.0.2.10");
  REQUIRE_FALSE(form.empty());
  for (int i = 0; i < 3; ++i) {
    const auto done = page.answers->answer(page.posted("192.0.2.10", "192.0.2.10", form));
    CHECK(done.status == 303);
    CHECK(field(done, "Location") == "/192.0.2.10#removal");
    CHECK(page.requests() == 1);
  }
  CHECK_THAT(page.visit("/192.0.2.10", "192.0.2.10").body,
             Contains("it takes effect within a minute") && !Contains("<form class=\"removal\""));
  REQUIRE(value(page.store.remove_due(page.rules, page.now)).decided.size() == 1);
  CHECK_THAT(page.visit("/192.0.2.10", "192.0.2.10").body, Contains("class=\"state not_listed\"") &&
                                                               Contains("; removed 20") &&
                                                               !Contains("<form class=\"removal\""));
}

TEST_CASE("everybody else reads how the address itself can ask, and gets no form", "[site][removal]") {
  Page page;
  page.list("192.0.2.10");
  page.list("192.0.2.11");
  for (const std::string from : {"192.0.2.11", "127.0.0.1", "", "unknown", "192.0.2.10, 203.0.113.1"}) {
    CAPTURE(from);
    const auto response = page.visit("/192.0.2.10", from);
    CHECK_THAT(response.body, Contains("curl -4 -X POST -H &#39;X-Blowback-Removal: yes&#39; "
                                       "https://bl.example.org/api/v1/ip/192.0.2.10/removal") &&
                                  Contains("delist@mail.example.org") && !Contains("name=\"form\""));
    CHECK(response.body == page.visit("/192.0.2.10", "198.51.100.1").body);
    CHECK(field(response, "Cache-Control") == "no-cache");
  }
  CHECK(page.form("192.0.2.10", "203.0.113.1, 192.0.2.10") != "");  // the proxy appends
  // By a name that isn't ours: DNS rebinding.
  CHECK_FALSE(page.visit("/192.0.2.10", "192.0.2.10", "evil.example").body.contains("name=\"form\""));
  CHECK(page.visit("/192.0.2.10", "192.0.2.10", "BL.example.org:443").body.contains("name=\"form\""));
  CHECK_FALSE(page.visit("/127.0.0.2", "127.0.0.2").body.contains("name=\"form\""));
}

TEST_CASE("nobody removes anyone else, whatever is sent", "[site][removal]") {
  Page page;
  page.list("192.0.2.10");
  page.list("192.0.2.11");
  const auto mine = page.form("192.0.2.10", "192.0.2.10");
  const auto other = page.form("192.0.2.11", "192.0.2.11");
  const auto good = page.posted("192.0.2.10", "192.0.2.10", mine);
  const auto refused = [&](const std::string& what, int status, const std::function<void(http::Request&)>& change) {
    CAPTURE(what);
    auto request = good;
    change(request);
    const auto response = page.answers->answer(request);
    CHECK(response.status == status);
    CHECK(page.requests() == 0);
  };
  refused("GET", 303, [](auto& r) { r.method = http::Request::Method::get; });
  refused("HEAD", 303, [](auto& r) { r.method = http::Request::Method::head; });
  refused("OPTIONS", 405, [](auto& r) { r.method = http::Request::Method::other; });
  refused("another visitor", 403, [](auto& r) { r.forwarded_for = "192.0.2.11"; });
  refused("no visitor", 403, [](auto& r) { r.forwarded_for = ""; });
  refused("a forwarder that is no proxy", 403, [](auto& r) { r.peer = ip("198.51.100.1"); });
  refused("what the client wrote itself", 403, [](auto& r) { r.forwarded_for = "192.0.2.10, 198.51.100.1"; });
  refused("another page", 403, [](auto& r) { r.target = "/192.0.2.11/removal"; });
  refused("no value", 403, [](auto& r) { r.body = ""; });
  refused("an empty value", 403, [](auto& r) { r.body = "form="; });
  refused("another's value", 403, [&](auto& r) { r.body = "form=" + other; });
  refused("a value with another time", 403, [&](auto& r) { r.body = "form=1" + mine; });
  refused("a body that can't be read", 403, [&](auto& r) { r.body = "form=" + mine + "&x=%"; });
  refused("another site's page", 403, [](auto& r) { r.origin = "https://evil.example"; });
  refused("the same name without TLS", 403, [](auto& r) { r.origin = "http://bl.example.org"; });
  refused("a page without an origin", 403, [](auto& r) { r.origin = "null"; });
  refused("cross-site", 403, [](auto& r) { r.fetch_site = "cross-site"; });
  refused("same-site", 403, [](auto& r) { r.fetch_site = "same-site"; });
  refused("a stranger's name", 421, [](auto& r) { r.host = "evil.example"; });
  refused("no name", 421, [](auto& r) { r.host = ""; });
  refused("another type", 415, [](auto& r) { r.content_type = "text/plain"; });
  refused("too large", 413, [](auto& r) { r.too_large = true; });
  refused("no address", 404, [](auto& r) { r.target = "/192.0.2.0/24/removal"; });
  refused("elsewhere", 405, [](auto& r) { r.target = "/192.0.2.10"; });
  const auto field_from_a_browser = [](auto& r) {
    r.body = "";
    r.wants_removal = "yes";
  };
  refused("the field, from a browser", 403, field_from_a_browser);
  page.now += std::chrono::minutes(10);
  refused("an old value", 403, [](auto&) {});
  page.now -= std::chrono::minutes(10);
  page.key = "another process";
  page.answers = page.made();
  refused("a former process's value", 403, [](auto&) {});
  page.key = "secret of this process";
  page.answers = page.made();  // a reload
  CHECK(page.answers->answer(good).status == 303);
  CHECK(page.requests() == 1);
}

TEST_CASE("a host without a browser asks in one line, and is answered in JSON", "[site][removal]") {
  Page page;
  page.list("192.0.2.10");
  CHECK(page.answers->answer(page.curled("192.0.2.10", "192.0.2.11")).status == 403);
  auto without = page.curled("192.0.2.10", "192.0.2.10");
  without.wants_removal = "";
  CHECK(json::parse(page.answers->answer(without).body)["error"] == "no-form");
  auto got = page.curled("192.0.2.10", "192.0.2.10");
  got.method = http::Request::Method::get;
  CHECK(page.answers->answer(got).status == 405);
  CHECK(page.requests() == 0);
  const auto filed = page.answers->answer(page.curled("192.0.2.10", "192.0.2.10"));
  CHECK(filed.status == 202);
  CHECK(json::parse(filed.body)["state"] == "pending");
  CHECK(json::parse(filed.body)["new"] == true);
  CHECK(json::parse(page.answers->answer(page.curled("192.0.2.10", "192.0.2.10")).body)["new"] == false);
  const auto unlisted = page.answers->answer(page.curled("192.0.2.99", "192.0.2.99"));
  CHECK(unlisted.status == 409);
  CHECK(json::parse(unlisted.body)["error"] == "not-listed");
  CHECK(page.requests() == 1);
}

TEST_CASE("any address of an IPv6 sender asks for it, and is named as the proof", "[site][removal]") {
  Page page;
  page.list("2001:db8::10");
  CHECK_FALSE(page.form("2001:db8::10", "2001:db8::99").empty());
  CHECK(page.form("2001:db8::10", "2001:db8:0:1::10").empty());
  CHECK(page.answers->answer(page.curled("2001:db8::10", "2001:db8:0:1::10")).status == 403);
  CHECK(page.answers->answer(page.curled("2001:db8::10", "2001:db8::99")).status == 202);
  CHECK(value(page.store.removals({.of = {}, .state = {}})).front().address == ip("2001:db8::99"));
}

TEST_CASE("a flood of posts files one request, and is limited like other requests", "[site][removal]") {
  Page page;
  page.list("192.0.2.10");
  page.answers = page.made(20);
  int limited = 0;
  for (int i = 0; i < 1000; ++i) limited += page.answers->answer(page.curled("192.0.2.10", "192.0.2.10")).status == 429;
  CHECK(limited > 900);
  CHECK(page.requests() == 1);
}

TEST_CASE("a database that can't be written takes no request, and the visitor and the operator learn it",
          "[site][removal]") {
  if (geteuid() == 0) return;  // may write anything
  Page page;
  page.list("192.0.2.10");
  std::filesystem::permissions(page.folder.file("blowback.db"), std::filesystem::perms{0444});
  const auto response = page.answers->answer(page.curled("192.0.2.10", "192.0.2.10"));
  CHECK(response.status == 503);
  CHECK(page.reported == std::vector<std::string>{"removal-not-filed"});
}
