// What a config means: its defaults, each key, and which addresses are traps.
#include "catch.h"
#include "config/config.h"

using blowback::Duration;
using blowback::IpAddress;
using blowback::Prefix;
using blowback::config::Config;
using blowback::config::CookieSecret;
using blowback::config::Endpoint;
using blowback::config::FeedType;
using namespace std::chrono_literals;

namespace {

Config parsed(const std::string& text) {
  auto config = blowback::config::parse(text, "test.toml");
  INFO(text);
  if (!config) FAIL(config.error().text);
  return *config;
}

constexpr std::chrono::hours kDay{24};

}  // namespace

TEST_CASE("a further zone has what the first one has, but for its name, its hosts and its codes", "[config]") {
  using blowback::Code;
  using blowback::CodeSet;
  const Config config = parsed(R"([[zone]]
name = "bl.example.org"
nameservers = ["ns1.bl.example.org 192.0.2.53", "ns2.example.net"]
hosts = ["www 192.0.2.80"]
hostmaster = "post@example.org"
ttl = "1h"
codes = []
[[zone]]
name = "DSN-bl.example.org."
codes = ["dsn", "operator"]
[[zone]]
name = "other.example.net"
nameservers = ["ns1.other.example.net 192.0.2.54"]
ttl = "2h"
negative_ttl = "30s"
txt = "{ip}"
codes = ["virus_notice"]
)");
  CHECK(config.zone.name == "bl.example.org");
  CHECK(config.zone.codes == CodeSet::all());
  REQUIRE(config.further_zones.size() == 2);
  const auto& dsn = config.further_zones[0];
  CHECK(dsn.name == "dsn-bl.example.org");
  CHECK(dsn.nameservers == std::vector<std::string>{"ns1.bl.example.org", "ns2.example.net"});
  CHECK(dsn.nameserver_addresses.empty());
  CHECK(dsn.hosts.empty());
  CHECK(dsn.hostmaster == "post@example.org");
  CHECK(dsn.ttl == 1h);
  CHECK(dsn.negative_ttl == 1min);
  CHECK(dsn.txt == "Backscatter from {ip}, see https://bl.example.org/{ip}");
  CHECK(dsn.codes == (CodeSet(Code::dsn) | Code::by_operator));
  const auto& other = config.further_zones[1];
  CHECK(other.nameservers == std::vector<std::string>{"ns1.other.example.net"});
  CHECK(other.nameserver_addresses.size() == 1);
  CHECK(other.ttl == 2h);
  CHECK(other.negative_ttl == 30s);
  CHECK(other.txt == "{ip}");
  CHECK(other.codes == CodeSet(Code::virus_notice));
  CHECK(config.zones().size() == 3);
}

TEST_CASE("one zone in double brackets is the same as in single ones", "[config]") {
  CHECK(parsed("[[zone]]\nname = \"bl.example.org\"\n").zone == parsed("[zone]\nname = \"bl.example.org\"\n").zone);
}

TEST_CASE("the zone's name is all that a config needs", "[config]") {
  const Config config = parsed("[zone]\nname = \"bl.example.org\"\n");
  CHECK(config.file == "test.toml");
  CHECK(config.database == "/var/lib/blowback/blowback.db");
  CHECK(config.zone.name == "bl.example.org");
  CHECK(config.zone.nameservers == std::vector<std::string>{"ns.bl.example.org"});
  CHECK(config.zone.hostmaster == "hostmaster@bl.example.org");
  CHECK(config.zone.ttl == 5min);
  CHECK(config.zone.negative_ttl == 1min);
  CHECK(config.zone.txt == "Backscatter from {ip}, see https://bl.example.org/{ip}");
  REQUIRE(config.server.listen.size() == 2);
  CHECK(config.server.listen[0].address == *IpAddress::parse("127.0.0.1"));
  CHECK(config.server.listen[0].port == 5300);
  CHECK(config.server.listen[1].address == *IpAddress::parse("::1"));
  CHECK(config.server.listen[1].port == 5300);
  CHECK(config.server.workers == 0);
  CHECK(config.ingest.judges >= 1);
  CHECK(config.ingest.judges <= 4);
  CHECK(config.detect.signatures.empty());
  CHECK(config.server.nsid.empty());
  CHECK(config.server.stale_after == 24h);
  CHECK(config.server.tcp_connections == 512);
  CHECK(config.server.tcp_idle == 10s);
  CHECK(config.server.allow.empty());
  CHECK(config.server.cookies);
  CHECK(config.server.cookie_secrets.empty());
  CHECK(config.server.status_socket == "/var/lib/blowback/blowback.db.server");
  CHECK(config.server.user.empty());
  CHECK(config.server.sandbox);
  CHECK(config.server.rate_limit.responses == 0);
  CHECK(config.server.rate_limit.slip == 2);
  CHECK(config.server.rate_limit.ipv4_prefix == 24);
  CHECK(config.server.rate_limit.ipv6_prefix == 56);
  CHECK(config.server.rate_limit.table == 65536);
  CHECK(config.server.rate_limit.exempt ==
        std::vector<Prefix>{*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1/128")});
  CHECK(config.traps.domains.empty());
  CHECK(config.traps.addresses.empty());
  CHECK(config.feeds.empty());
  const blowback::Policy& policy = config.policy;
  CHECK(policy.half_life == 7 * kDay);
  CHECK(policy.list_at == 3.0);
  CHECK(policy.delist_below == 1.0);
  CHECK(policy.distinct_traps == 2);
  CHECK(policy.distinct_campaigns == 1);
  CHECK(policy.trap_cap == 3.0);
  CHECK(policy.campaign_cap == 2.0);
  CHECK(policy.max_listing == 28 * kDay);
  CHECK(policy.repeat_factor == 2.0);
  CHECK_FALSE(policy.allow_documentation);
  CHECK(policy.weight_of(blowback::Kind::dsn) == 1.0);
  CHECK(policy.weight_of(blowback::Kind::challenge) == 1.0);
  CHECK(policy.weight_of(blowback::Kind::virus_notice) == 1.0);
  CHECK(policy.weight_of(blowback::Kind::auto_reply) == 0.7);
  CHECK(policy.weight_of(blowback::Kind::mdn) == 0.5);
  CHECK(policy.weight_of(blowback::Kind::callout) == 0.5);
}

TEST_CASE("a name server in the zone is followed by its addresses", "[config]") {
  const Config config = parsed(R"(
[zone]
name = "bl.example.org"
nameservers = ["NS1.bl.example.org. 192.0.2.53  2001:db8::53", "ns.example.net", "ns2.bl.example.org", "bl.example.org"]
)");
  CHECK(config.zone.nameservers ==
        std::vector<std::string>{"ns1.bl.example.org", "ns.example.net", "ns2.bl.example.org", "bl.example.org"});
  using blowback::IpAddress;
  CHECK(config.zone.nameserver_addresses ==
        std::vector<blowback::config::HostAddress>{{"ns1.bl.example.org", *IpAddress::parse("192.0.2.53")},
                                                   {"ns1.bl.example.org", *IpAddress::parse("2001:db8::53")}});
  CHECK(blowback::config::without_address(config.zone) ==
        std::vector<std::string>{"ns2.bl.example.org", "bl.example.org"});
}

TEST_CASE("other hosts in the zone have a label and addresses, in one text or several", "[config]") {
  const Config config = parsed(R"(
[zone]
name = "bl.example.org"
hosts = ["WWW 192.0.2.80  2001:db8::80", "status-1 192.0.2.80", "www 192.0.2.81"]
)");
  using blowback::IpAddress;
  CHECK(config.zone.hosts ==
        std::vector<blowback::config::HostAddress>{{"www.bl.example.org", *IpAddress::parse("192.0.2.80")},
                                                   {"www.bl.example.org", *IpAddress::parse("2001:db8::80")},
                                                   {"status-1.bl.example.org", *IpAddress::parse("192.0.2.80")},
                                                   {"www.bl.example.org", *IpAddress::parse("192.0.2.81")}});
  CHECK(parsed("[zone]\nname = \"bl.example.org\"\n").zone.hosts.empty());
}

TEST_CASE("every key is read", "[config]") {
  const Config config = parsed(R"(
database = "/srv/bb.db"
[zone]
name = "BL.Example.ORG."
nameservers = ["NS1.example.org.", "ns2.example.net"]
hostmaster = "dns.admin@example.org"
ttl = "10m"
negative_ttl = "30s"
txt = "see https://example.org/{ip}"
[server]
listen = ["192.0.2.53:53", "[2001:db8::53]:53"]
workers = 4
nsid = "a.ns"
stale_after = "2h"
tcp_connections = 64
tcp_idle = "30s"
allow = ["192.0.2.0/24", "2001:db8::/32"]
cookies = false
cookie_secrets = ["e5e973e5a6b2a43f48e7dc849e37bfcf", "DD3BDF9344B678B185A6F5CB60FCA715"]
status_socket = "/run/bb"
user = "bb"
sandbox = false
[server.rate_limit]
responses = 50
slip = 1
ipv4_prefix = 32
ipv6_prefix = 64
table = 1024
exempt = ["198.51.100.0/24"]
[traps]
domains = ["Trap.Example.NET"]
addresses = ["Old.User@Example.com"]
[[feed]]
name = "one"
type = "maildir"
path = "/m"
trusted_relays = ["192.0.2.25", "2001:db8:1::/48"]
after = "remove"
[[feed]]
name = "two"
type = "mbox"
path = "/b"
quoting = "content-length"
[[feed]]
name = "three"
type = "jsonl"
path = "-"
[[feed]]
type = "stdin"
[policy]
half_life = "1d12h"
list_at = 5
delist_below = 0.5
distinct_traps = 3
distinct_campaigns = 2
trap_cap = 4
campaign_cap = 2.5
max_listing = "2w"
repeat_factor = 1
allow_documentation = true
[policy.weights]
dsn = 2
auto_reply = 0
challenge = 1.5
virus_notice = 0.25
mdn = 0.1
callout = 0.2
)");
  CHECK(config.database == "/srv/bb.db");
  CHECK(config.zone.name == "bl.example.org");
  CHECK(config.zone.nameservers == std::vector<std::string>{"ns1.example.org", "ns2.example.net"});
  CHECK(config.zone.hostmaster == "dns.admin@example.org");
  CHECK(config.zone.ttl == 10min);
  CHECK(config.zone.negative_ttl == 30s);
  CHECK(config.zone.txt == "see https://example.org/{ip}");
  REQUIRE(config.server.listen.size() == 2);
  CHECK(config.server.listen[1].address == *IpAddress::parse("2001:db8::53"));
  CHECK(config.server.listen[1].port == 53);
  CHECK(config.server.workers == 4);
  CHECK(config.server.nsid == "a.ns");
  CHECK(config.server.stale_after == 2h);
  CHECK(config.server.tcp_connections == 64);
  CHECK(config.server.tcp_idle == 30s);
  CHECK(config.server.allow == std::vector<Prefix>{*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8::/32")});
  CHECK_FALSE(config.server.cookies);
  CHECK(config.server.status_socket == "/run/bb");
  CHECK(config.server.user == "bb");
  CHECK_FALSE(config.server.sandbox);
  REQUIRE(config.server.cookie_secrets.size() == 2);
  CHECK(config.server.cookie_secrets[0] == CookieSecret{0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f,  //
                                                        0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf});
  CHECK(config.server.cookie_secrets[1] == CookieSecret{0xdd, 0x3b, 0xdf, 0x93, 0x44, 0xb6, 0x78, 0xb1,  //
                                                        0x85, 0xa6, 0xf5, 0xcb, 0x60, 0xfc, 0xa7, 0x15});
  CHECK(config.server.rate_limit.responses == 50);
  CHECK(config.server.rate_limit.slip == 1);
  CHECK(config.server.rate_limit.ipv4_prefix == 32);
  CHECK(config.server.rate_limit.ipv6_prefix == 64);
  CHECK(config.server.rate_limit.table == 1024);
  CHECK(config.server.rate_limit.exempt == std::vector<Prefix>{*Prefix::parse("198.51.100.0/24")});
  CHECK(config.traps.domains == std::vector<std::string>{"trap.example.net"});
  CHECK(config.traps.addresses == std::vector<std::string>{"old.user@example.com"});
  REQUIRE(config.feeds.size() == 4);
  CHECK(config.feeds[0].name == "one");
  CHECK(config.feeds[0].type == FeedType::maildir);
  CHECK(config.feeds[0].path == "/m");
  CHECK(config.feeds[0].trusted_relays ==
        std::vector<Prefix>{*Prefix::parse("192.0.2.25"), *Prefix::parse("2001:db8:1::/48")});
  CHECK(config.feeds[0].remove);
  CHECK(config.feeds[1].type == FeedType::mbox);
  CHECK_FALSE(config.feeds[1].remove);
  CHECK(config.feeds[0].quoting == blowback::config::MboxQuoting::none);
  CHECK(config.feeds[1].quoting == blowback::config::MboxQuoting::content_length);
  CHECK(config.feeds[2].type == FeedType::jsonl);
  CHECK(config.feeds[3].type == FeedType::standard_input);
  CHECK(config.feeds[3].name == "stdin");
  CHECK(config.feeds[3].path.empty());
  CHECK(config.policy.half_life == 36h);
  CHECK(config.policy.list_at == 5.0);
  CHECK(config.policy.delist_below == 0.5);
  CHECK(config.policy.distinct_traps == 3);
  CHECK(config.policy.distinct_campaigns == 2);
  CHECK(config.policy.trap_cap == 4.0);
  CHECK(config.policy.campaign_cap == 2.5);
  CHECK(config.policy.max_listing == 14 * kDay);
  CHECK(config.policy.repeat_factor == 1.0);
  CHECK(config.policy.allow_documentation);
  CHECK(config.policy.weight_of(blowback::Kind::dsn) == 2.0);
  CHECK(config.policy.weight_of(blowback::Kind::auto_reply) == 0.0);
  CHECK(config.policy.weight_of(blowback::Kind::challenge) == 1.5);
  CHECK(config.policy.weight_of(blowback::Kind::virus_notice) == 0.25);
  CHECK(config.policy.weight_of(blowback::Kind::mdn) == 0.1);
  CHECK(config.policy.weight_of(blowback::Kind::callout) == 0.2);
}

TEST_CASE("the status socket is beside the database, unless the config names another or none", "[config]") {
  const std::string zone = "[zone]\nname = \"bl.example.org\"\n";
  CHECK(parsed("database = \"/srv/bb.db\"\n" + zone).server.status_socket == "/srv/bb.db.server");
  CHECK(parsed("database = \"/srv/bb.db\"\n" + zone + "[server]\nworkers = 1\n").server.status_socket ==
        "/srv/bb.db.server");
  CHECK(parsed(zone + "[server]\nstatus_socket = \"\"\n").server.status_socket.empty());
  const std::string longest(blowback::config::kSocketPathOctets, 's');
  CHECK(parsed(zone + "[server]\nstatus_socket = \"" + longest + "\"\n").server.status_socket == longest);
  // A database with a long path is no mistake: only the socket beside it can't be.
  CHECK(parsed("database = \"/" + longest + "\"\n" + zone).server.status_socket == "/" + longest + ".server");
}

TEST_CASE("an empty list exempts nobody from the rate limit", "[config][rate_limit]") {
  const Config config = parsed("[zone]\nname = \"bl.example.org\"\n[server.rate_limit]\nexempt = []\n");
  CHECK(config.server.rate_limit.exempt.empty());
}

TEST_CASE("with no traps named every recipient is one", "[config][traps]") {
  CHECK(blowback::config::Traps{}.is_trap("anyone@example.org"));
  CHECK(blowback::config::Traps{}.is_trap(""));
}

TEST_CASE("a trap is known by its domain or its address, in any case", "[config][traps]") {
  const blowback::config::Traps traps{.domains = {"trap.example.net"}, .addresses = {"old.user@example.com"}};
  CHECK(traps.is_trap("x@trap.example.net"));
  CHECK(traps.is_trap("X@TRAP.example.NET"));
  CHECK(traps.is_trap("OLD.USER@example.com"));
  CHECK(traps.is_trap("a@b@trap.example.net"));
  CHECK_FALSE(traps.is_trap("new.user@example.com"));
  CHECK_FALSE(traps.is_trap("x@sub.trap.example.net"));
  CHECK_FALSE(traps.is_trap("trap.example.net"));
  const blowback::config::TrapIndex index(traps);
  for (const char* const address :
       {"x@trap.example.net", "X@TRAP.example.NET", "OLD.USER@example.com", "a@b@trap.example.net",
        "new.user@example.com", "x@sub.trap.example.net", "trap.example.net", ""}) {
    CAPTURE(address);
    CHECK(index.witness_of(address) == traps.witness_of(address));
    const blowback::config::TrapIndex none{{}};
    CHECK(none.witness_of(address) == blowback::config::Traps{}.witness_of(address));
  }
  CHECK_FALSE(traps.is_trap(""));
}

TEST_CASE("a domain with all names below it is one witness, and one look-up says so, too", "[config][traps]") {
  const Config config = parsed(
      "[zone]\nname = \"bl.example.org\"\n[traps]\ndomains = [\"*.Trap.example.net\", \"trap.example.net\", "
      "\"sub.trap.example.net\", \"plain.example.org\"]\naddresses = [\"a@x.trap.example.net\"]\n");
  const auto& traps = config.traps;
  CHECK(traps.domains == std::vector<std::string>{"trap.example.net", "sub.trap.example.net", "plain.example.org"});
  CHECK(traps.witnesses() == 4U);
  CHECK(traps.witness_of("x@trap.example.net") == "@trap.example.net");
  CHECK(traps.witness_of("x@A.B.trap.example.net") == "@trap.example.net");
  CHECK(traps.witness_of("x@sub.trap.example.net") == "@sub.trap.example.net");
  CHECK(traps.witness_of("a@x.trap.example.net") == "a@x.trap.example.net");
  CHECK(traps.witness_of("x@sub.plain.example.org").empty());
  CHECK(traps.witness_of("x@othertrap.example.net").empty());
  CHECK(traps.witness_of("x@example.net").empty());
  const blowback::config::TrapIndex index(traps);
  for (const char* const address : {"x@trap.example.net", "x@A.B.trap.example.net", "x@sub.trap.example.net",
                                    "a@x.trap.example.net", "x@sub.plain.example.org", "x@example.net", "x@", "@"}) {
    CAPTURE(address);
    CHECK(index.witness_of(address) == traps.witness_of(address));
  }
}

TEST_CASE("a zone name fits if 32 nibble labels fit before it", "[config][zone]") {
  // 189 octets of text are 191 on the wire, and 64 + 191 = 255 (RFC 1035 §2.3.4).
  const std::string fits = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(61, 'c');
  REQUIRE(fits.size() == 189);
  const std::string txt = "\"\ntxt = \"x\"\n";
  CHECK(parsed("[zone]\nname = \"" + fits + txt).zone.name == fits);
  CHECK_FALSE(blowback::config::parse("[zone]\nname = \"" + fits + "c" + txt, "t"));
}

TEST_CASE("a feed that listens has endpoints, settings and limits", "[config]") {
  const auto config = parsed(R"([zone]
name = "bl.example.org"
[[feed]]
type = "smtp"
[[feed]]
type = "lmtp"
listen = ["unix:/run/blowback/lmtp.sock", "[2001:db8::1]:24"]
hostname = "mx.example.net"
certificate = "/c.pem"
key = "/k.pem"
trusted_relays = ["192.0.2.25"]
proxy_protocol = true
hide_traps = true
connections = 10
connections_per_client = 2
message_size = 100000
command_time = "30s"
data_time = "2m"
)");
  REQUIRE(config.feeds.size() == 2);
  const auto& smtp = config.feeds[0].listener;
  REQUIRE(smtp.listen.size() == 2);
  CHECK(std::get<Endpoint>(smtp.listen[0]).port == 25);
  CHECK(smtp.connections == 1000);
  const auto& lmtp = config.feeds[1].listener;
  CHECK(config.feeds[1].type == FeedType::lmtp);
  CHECK(std::get<std::string>(lmtp.listen.at(0)) == "/run/blowback/lmtp.sock");
  CHECK(std::get<Endpoint>(lmtp.listen.at(1)).address.to_string() == "2001:db8::1");
  CHECK(lmtp.hostname == "mx.example.net");
  CHECK(lmtp.certificate == "/c.pem");
  CHECK(lmtp.key == "/k.pem");
  CHECK(lmtp.proxy_protocol);
  CHECK(lmtp.hide_traps);
  CHECK(lmtp.connections == 10);
  CHECK(lmtp.connections_per_client == 2);
  CHECK(lmtp.message_size == 100'000);
  CHECK(lmtp.command_time == std::chrono::seconds{30});
  CHECK(lmtp.data_time == std::chrono::minutes{2});
}

TEST_CASE("a milter has one endpoint", "[config]") {
  const auto config = parsed(R"([zone]
name = "bl.example.org"
[[feed]]
type = "milter"
[[feed]]
name = "other"
type = "milter"
listen = ["unix:/run/blowback/milter.sock"]
connections = 10
message_size = 100000
callouts = false
)");
  REQUIRE(config.feeds.size() == 2);
  CHECK(config.feeds[0].type == FeedType::milter);
  const auto& usual = config.feeds[0].listener;
  REQUIRE(usual.listen.size() == 1);
  CHECK(std::get<Endpoint>(usual.listen[0]).address.to_string() == "127.0.0.1");
  CHECK(std::get<Endpoint>(usual.listen[0]).port == 8895);
  CHECK(usual.callouts);
  const auto& other = config.feeds[1].listener;
  CHECK(std::get<std::string>(other.listen.at(0)) == "/run/blowback/milter.sock");
  CHECK(other.connections == 10);
  CHECK(other.message_size == 100'000);
  CHECK_FALSE(other.callouts);
}

TEST_CASE("the config path comes from the option, the environment, or the default", "[config]") {
  using blowback::config::config_path;
  CHECK(config_path("a.toml", "b.toml") == "a.toml");
  CHECK(config_path("", "b.toml") == "b.toml");
  CHECK(config_path("", "") == "/etc/blowback/blowback.toml");
  CHECK(config_path("", nullptr) == "/etc/blowback/blowback.toml");
}

TEST_CASE("logs are text and metrics are off, unless the config says otherwise", "[config]") {
  using namespace blowback::config;
  const auto by_default = parse("[zone]\nname = \"bl.example.org\"\n[metrics]\nserver = \"\"\n", "t.toml");
  REQUIRE(by_default);
  CHECK(by_default->log.format == LogFormat::text);
  CHECK(by_default->log.level == LogLevel::info);
  CHECK_FALSE(by_default->metrics.server);
  CHECK_FALSE(by_default->metrics.ingest);
  const auto set = parse(
      "[zone]\nname = \"bl.example.org\"\n[log]\nformat = \"logfmt\"\nlevel = \"error\"\n"
      "[metrics]\nserver = \"[::1]:9453\"\ningest = \"unix:/run/blowback/ingest\"\n",
      "t.toml");
  REQUIRE(set);
  CHECK(set->log.format == LogFormat::logfmt);
  CHECK(set->log.level == LogLevel::error);
  REQUIRE(set->metrics.server);
  CHECK(std::get<Endpoint>(*set->metrics.server).port == 9453);
  CHECK(std::get<std::string>(*set->metrics.ingest) == "/run/blowback/ingest");
}

TEST_CASE("everything has a retention, and a size limit if strangers can fill it", "[config][retention]") {
  const Config config = parsed("[zone]\nname = \"bl.example.org\"\n");
  CHECK(config.retention.evidence == 90 * kDay);
  CHECK(config.retention.incidents == 365 * kDay);
  CHECK(config.retention.quarantine == 30 * kDay);
  CHECK(config.retention.quarantine_octets == 256'000'000);
  CHECK(config.retention.journal == 90 * kDay);
  CHECK(config.maildir_kept == 90 * kDay);
  CHECK_FALSE(config.retention.max_disk);
}

TEST_CASE("[removal] is read", "[config][removal]") {
  const Config plain = parsed("[zone]\nname = \"bl.example.org\"\n");
  CHECK(plain.removal.rules.enabled);
  CHECK_FALSE(plain.removal.rules.by_operator);
  CHECK(plain.removal.rules.wait == kDay);
  CHECK(plain.removal.rules.remembered == 180 * kDay);
  CHECK(plain.removal.mail.empty());
  const Config config = parsed(R"([zone]
name = "bl.example.org"
[traps]
domains = ["trap.example.net"]
[removal]
enabled = false
mail = "Delist@BL.example.org"
by_operator = true
wait = "2d"
[retention]
removals = "30d"
)");
  CHECK_FALSE(config.removal.rules.enabled);
  CHECK(config.removal.rules.by_operator);
  CHECK(config.removal.rules.wait == 2 * kDay);
  CHECK(config.removal.rules.remembered == 30 * kDay);
  CHECK(config.retention.removals == 30 * kDay);
  CHECK(config.removal.mail == "delist@bl.example.org");
}

TEST_CASE("requests for removal aren't sent to a trap", "[config][removal]") {
  const auto complaint = [](const std::string& traps, const std::string& mail) {
    const auto config = blowback::config::parse(
        "[zone]\nname = \"bl.example.org\"\n[traps]\n" + traps + "\n[removal]\nmail = \"" + mail + "\"\n", "test.toml");
    return config ? std::string() : config.error().text;
  };
  CHECK(complaint("domains = [\"trap.example.net\"]", "delist@bl.example.org").empty());
  CHECK(complaint("file = \"/etc/blowback/traps\"", "delist@bl.example.org").empty());
  CHECK(complaint("domains = [\"*.example.org\"]", "delist@bl.example.org").find("is a trap") != std::string::npos);
  CHECK(
      complaint("addresses = [\"delist@bl.example.org\"]", "DELIST@bl.example.org").find("test.toml:6: removal.mail") !=
      std::string::npos);
  CHECK(complaint("", "delist@bl.example.org").find("every recipient is a trap") != std::string::npos);
  CHECK(complaint("domains = [\"trap.example.net\"]", "delist").find("no mail address") != std::string::npos);
}

TEST_CASE("[retention] is read", "[config][retention]") {
  const Config config = parsed(R"([zone]
name = "bl.example.org"
[retention]
evidence = "30d"
incidents = "200d"
quarantine = "7d"
quarantine_size = "64MB"
journal = "60d"
maildir = "10d"
max_disk = "100GB"
)");
  CHECK(config.retention.evidence == 30 * kDay);
  CHECK(config.retention.incidents == 200 * kDay);
  CHECK(config.retention.quarantine == 7 * kDay);
  CHECK(config.retention.quarantine_octets == 64'000'000);
  CHECK(config.retention.journal == 60 * kDay);
  CHECK(config.maildir_kept == 10 * kDay);
  CHECK(config.retention.max_disk == 100'000'000'000U);
}

TEST_CASE("incidents are kept for as long as scores depend on them, and a size has a unit", "[config][retention]") {
  const auto refused = [](const std::string& line) {
    const auto config =
        blowback::config::parse("[zone]\nname = \"bl.example.org\"\n[retention]\n" + line + "\n", "test.toml");
    REQUIRE_FALSE(config);
    return config.error().text;
  };
  const auto shorter = refused("incidents = \"100d\"");
  CHECK(shorter.find("test.toml:4: retention.incidents") != std::string::npos);
  CHECK(shorter.find("\"112d\"") != std::string::npos);
  for (const char* const size : {"100", "100 GB", "0GB", "GB", "-1GB", "1000001TB", "100gb"}) {
    CAPTURE(size);
    CHECK(refused("max_disk = \"" + std::string(size) + "\"").find("MB, GB or TB") != std::string::npos);
  }
}
