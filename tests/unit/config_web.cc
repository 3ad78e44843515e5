// The section [web]: defaults, and what is refused.
#include "catch.h"
#include "config/config.h"

#include <string>
#include <variant>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file
using Catch::Contains;

namespace {

std::expected<config::Config, config::ConfigError> with(const std::string& web) {
  return config::parse("[zone]\nname = \"bl.example.org\"\n[web]\n" + web, "test.toml");
}

std::string mistake(const std::string& web) {
  const auto config = with(web);
  return config ? std::string() : config.error().text;
}

}  // namespace

TEST_CASE("without a section the page listens on loopback, and believes proxies there only", "[config][web]") {
  const auto config = with("");
  REQUIRE(config);
  CHECK(std::get<config::Endpoint>(config->web.listen) == config::Endpoint{*IpAddress::parse("127.0.0.1"), 8053});
  CHECK(config->web.proxies == std::vector{*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1")});
  CHECK(config->web.url == "https://bl.example.org");
  CHECK(config->web.contact == "hostmaster@bl.example.org");
  CHECK(config->web.sandbox);
}

TEST_CASE("the page's endpoint may be a unix socket, its contact a URL", "[config][web]") {
  const auto config = with(
      "listen = \"unix:/run/web\"\ncontact = \"https://example.org/c\"\nurl = \"https://bl.example.org/\"\nproxies = "
      "[]\n");
  REQUIRE(config);
  CHECK(std::get<std::string>(config->web.listen) == "/run/web");
  CHECK(config->web.contact == "https://example.org/c");
  CHECK(config->web.url == "https://bl.example.org");
  CHECK(config->web.proxies.empty());
}

TEST_CASE("what the page can't use is refused with its key", "[config][web]") {
  CHECK_THAT(mistake("listen = \"\""), Contains("web.listen") && Contains("don't start blowback-web"));
  CHECK_THAT(mistake("listen = \"8053\""), Contains("web.listen"));
  CHECK_THAT(mistake("proxies = [\"localhost\"]"), Contains("web.proxies"));
  for (const std::string url :
       {"bl.example.org", "https://", "javascript:alert(1)", "https://x/\\\"onclick=1", "https://a b", "ftp://x"}) {
    CHECK_THAT(mistake("url = \"" + url + "\""), Contains("web.url"));
  }
  for (const std::string contact : {"nobody", "http://example.org", "https://x/<script>", ""}) {
    CHECK_THAT(mistake("contact = \"" + contact + "\""), Contains("web.contact"));
  }
  CHECK_THAT(mistake("connections = 1"), Contains("web.connections"));
  CHECK_THAT(mistake("time = \"0s\""), Contains("web.time"));
  CHECK_THAT(mistake("requests = -1"), Contains("web.requests"));
  CHECK_THAT(mistake("port = 80"), Contains("web.port"));
}
