// The config with all its defaults, as TOML: read again it is the same config.
#include "catch.h"
#include "config/written.h"
#include "folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace blowback::config {
namespace {

Config parsed(const std::string& text) {
  auto config = parse(text, "test.toml");
  INFO(text);
  if (!config) FAIL(config.error().text);
  return *config;
}

std::string toml_of(const std::vector<Setting>& settings) {
  std::string text;
  std::string table;
  for (const auto& setting : settings) {
    if (setting.table != table) {
      table = setting.table;
      text += table.starts_with("zone.")           ? "[[zone]]\n"
              : table.starts_with("feed.")         ? "[[feed]]\n"
              : table.starts_with("transfer.key.") ? "[[transfer.key]]\n"
                                                   : fmt::format("[{}]\n", table);
    }
    if (setting.note.empty()) text += fmt::format("{} = {}\n", setting.key, setting.value);
  }
  return text;
}

std::vector<std::string> lines_of_settings(const std::vector<Setting>& settings) {
  std::vector<std::string> lines;
  for (const auto& setting : settings) lines.push_back(setting.name() + " = " + setting.value);
  return lines;
}

const std::string kEverything = R"(database = "/srv/a \"b\" \\c.db"
[zone]
name = "bl.example.org"
nameservers = ["ns1.bl.example.org 192.0.2.53 2001:db8::53", "ns.example.net"]
hosts = ["www 192.0.2.80", "w 192.0.2.81", "WWW 2001:db8::80"]
ttl = "90s"
[server]
listen = ["127.0.0.1:53", "[::1]:53"]
nsid = "one"
allow = ["192.0.2.0/24"]
[server.rate_limit]
exempt = []
[transfer]
allow = ["192.0.2.53", "2001:db8::/64"]
notify = ["192.0.2.53:53 key xfr.example.org", "[2001:db8::53]:5353"]
tls = ["192.0.2.1:853"]
tls_certificate = "/etc/blowback/tls.pem"
tls_key = "/etc/blowback/tls.key"
tls_clients = "/etc/blowback/clients.pem"
connections = 3
time = "5m"
[[transfer.key]]
name = "XFR.example.org."
secret_file = "/etc/blowback/xfr.key"
[[transfer.key]]
name = "other.example.org"
algorithm = "hmac-sha512"
secret_file = "other.key"
[traps]
domains = ["trap.example.net"]
addresses = ["old@example.com"]
[[feed]]
name = "box"
path = "/srv/Maildir"
after = "remove"
[[feed]]
type = "mbox"
quoting = "content-length"
[[feed]]
type = "jsonl"
[[feed]]
type = "stdin"
[[feed]]
type = "smtp"
listen = ["[::]:25", "unix:/run/smtp"]
hostname = "mx.example.net"
trusted_relays = ["192.0.2.1"]
proxy_protocol = true
data_time = "5m"
[[feed]]
type = "lmtp"
[[feed]]
type = "milter"
callouts = false
[policy]
list_at = 2.25
reverse_path = "any"
[policy.weights]
mdn = 0.3
[log]
format = "logfmt"
level = "debug"
[metrics]
server = "unix:/run/server"
ingest = "127.0.0.1:9454"
)";

TEST_CASE("a config that is shown reads back to the same", "[config]") {
  const std::string text = GENERATE(std::string("[zone]\nname = \"bl.example.org\"\n"), kEverything,
                                    std::string("[[zone]]\nname = \"bl.example.org\"\ncodes = [\"dsn\"]\n[[zone]]\n"
                                                "name = \"other.example.org\"\nttl = \"7m\"\n"));
  const auto settings = settings_of(parsed(text));
  const auto shown = toml_of(settings);
  CAPTURE(shown);
  CHECK(lines_of_settings(settings_of(parsed(shown))) == lines_of_settings(settings));
}

TEST_CASE("a config is shown with its own values", "[config]") {
  const auto shown = toml_of(settings_of(parsed(kEverything)));
  for (const std::string line :
       {R"(database = "/srv/a \"b\" \\c.db")",
        R"(nameservers = ["ns1.bl.example.org 192.0.2.53 2001:db8::53", "ns.example.net"])",
        R"(hosts = ["www 192.0.2.80 2001:db8::80", "w 192.0.2.81"])", R"(after = "remove")",
        R"(quoting = "content-length")", R"(listen = ["[::]:25", "unix:/run/smtp"])", "callouts = false",
        "list_at = 2.25", R"(reverse_path = "any")", "mdn = 0.3", R"(server = "unix:/run/server")"}) {
    CHECK_THAT(shown, Catch::Contains("\n" + line + "\n") || Catch::StartsWith(line + "\n"));
  }
}

TEST_CASE("secrets aren't shown, only how many there are", "[config]") {
  const auto settings =
      settings_of(parsed("[zone]\nname = \"bl.example.org\"\n[server]\n"
                         "cookie_secrets = [\"00112233445566778899aabbccddeeff\"]\n"));
  const auto found = std::ranges::find(settings, "cookie_secrets", &Setting::key);
  REQUIRE(found != settings.end());
  CHECK(found->value == R"(["…"])");
  CHECK(found->note == "set, and not shown");
}

TEST_CASE("each key's line is known, and its table's", "[config]") {
  const test::Folder folder;
  const auto file = folder.file("blowback.toml");
  std::ofstream(file) << kEverything;
  const auto lines = lines_of(file);
  REQUIRE(lines.has_value());
  CHECK(lines->at("database") == 1);
  CHECK(lines->at("zone.name") == 3);
  CHECK(lines->at("server.rate_limit.exempt") == 12);
  CHECK(lines->at("transfer.key.1.algorithm") == 27);
  CHECK(lines->at("feed.0") == 32);
  CHECK(lines->at("feed.0.path") == 34);
  CHECK(lines->at("feed.6.callouts") == 54);
  CHECK_FALSE(lines->contains("feed.1.path"));
}

}  // namespace
}  // namespace blowback::config
