#include "catch.h"
#include "config/config.h"

#include <fmt/format.h>

namespace {

const std::string kZone = "[zone]\nname = \"bl.example.org\"\n";

std::string error_of(const std::string& text) {
  const auto config = blowback::config::parse(text, "t.toml");
  return config ? "no error" : config.error().text;
}

struct Case {
  std::string text;   ///< comes after the zone's two lines
  std::string start;  ///< what the message begins with
  std::string mend;   ///< what it has somewhere
};

}  // namespace

TEST_CASE("a config error names file, line, key and value, and says what to do", "[config]") {
  const Case c = GENERATE(values<Case>({
      // wrong types
      {"ttl = 300", "config: t.toml:3: zone.ttl = 300: ", "for example \"7d\""},
      {"ttl = [1]", "config: t.toml:3: zone.ttl = […]: ", "unit"},
      {"hostmaster = true", "config: t.toml:3: zone.hostmaster = true: ", "quotes"},
      {"nameservers = \"ns.example.org\"", "config: t.toml:3: zone.nameservers = ", "brackets"},
      {"nameservers = [\"ns.example.org\",\n 7]", "config: t.toml:4: zone.nameservers = 7: ", "quotes"},
      {"[server]\nworkers = \"4\"", "config: t.toml:4: server.workers = ", "whole number from 0 to 256"},
      {"[server]\nworkers = 1.5", "config: t.toml:4: server.workers = 1.5: ", "whole number"},
      {"[policy]\nlist_at = \"3\"", "config: t.toml:4: policy.list_at = ", "without quotes"},
      {"[policy]\nallow_documentation = \"yes\"", "config: t.toml:4: policy.allow_documentation = ", "true or false"},
      {"[policy]\nweights = 1", "config: t.toml:4: policy.weights = 1: ", "[policy.weights]"},
      {"[feed]\nname = \"x\"", "config: t.toml:3: feed = {…}: ", "[[feed]]"},
      {"[[server]]\nworkers = 1", "config: t.toml:3: server = […]: ", "[server]"},
      // choices and endpoints
      {"[log]\nformat = \"xml\"", "config: t.toml:4: log.format = ", "\"text\", \"logfmt\", \"json\""},
      {"[log]\nlevel = \"loud\"", "config: t.toml:4: log.level = ", "\"warning\""},
      {"[metrics]\nserver = \"9453\"", "config: t.toml:4: metrics.server = ", "unix:/run/blowback/server"},
      {"[metrics]\ningest = \"unix:\"", "config: t.toml:4: metrics.ingest = ", "1 to 107 octets"},
      {"[metrics]\ningest = \"unix:" + std::string(108, 's') + "\"",
       "config: t.toml:4: metrics.ingest = ", "1 to 107 octets"},
      {"[metrics]\nserver = \"[::1]:1\"\ningest = \"[0::1]:1\"",
       "config: t.toml:5: metrics.ingest = ", "endpoint of its own"},
      // ranges, each on both sides
      {"codes = [\"dsn\",\n\"spam\"]", "config: t.toml:4: zone.codes = ", "virus_notice"},
      {"codes = \"dsn\"", "config: t.toml:3: zone.codes = ", "brackets"},
      {"ttl = \"8d\"", "config: t.toml:3: zone.ttl = ", "from \"0s\" to \"7d\""},
      {"ttl = \"7\"", "config: t.toml:3: zone.ttl = ", "needs a unit"},
      {"ttl = \"soon\"", "config: t.toml:3: zone.ttl = ", "unit"},
      {"negative_ttl = \"1d1s\"", "config: t.toml:3: zone.negative_ttl = ", "to \"1d\""},
      {"[server]\nworkers = 257", "config: t.toml:4: server.workers = 257: ", "0 to 256"},
      {"[ingest]\njudges = 0", "config: t.toml:4: ingest.judges = 0: ", "1 to 64"},
      {"[detect]\nsignatures = [\"\"]", "config: t.toml:4: ", "is no path"},
      {"[detect]\nsignatures = \"a.tsv\"", "config: t.toml:4: detect.signatures = ", ""},
      {"[ingest]\njudges = 65", "config: t.toml:4: ingest.judges = 65: ", "1 to 64"},
      {"[server]\nworkers = -1", "config: t.toml:4: server.workers = -1: ", "0 to 256"},
      {"[server]\ntcp_connections = 0", "config: t.toml:4: server.tcp_connections = 0: ", "1 to 65536"},
      {"[server]\ntcp_connections = 65537", "config: t.toml:4: server.tcp_connections = 65537: ", "1 to 65536"},
      {"[server]\ntcp_idle = \"0s\"", "config: t.toml:4: server.tcp_idle = ", "\"1s\" to \"1h\""},
      {"[server]\ntcp_idle = \"61m\"", "config: t.toml:4: server.tcp_idle = ", "\"1s\" to \"1h\""},
      {"[server]\nstale_after = \"0s\"", "config: t.toml:4: server.stale_after = ", "range"},
      {"[server]\nnsid = \"é\"", "config: t.toml:4: server.nsid = ", "ASCII"},
      {"[transfer]\nhistory = -1", "config: t.toml:4: transfer.history = -1: ", "0 to 100000"},
      {"[transfer]\nconnections = 0", "config: t.toml:4: transfer.connections = 0: ", "1 to 100"},
      {"[transfer]\ntime = \"0s\"", "config: t.toml:4: transfer.time = \"0s\": ", ""},
      {"[transfer]\nnotify = [\"192.0.2.1:0\"]", "config: t.toml:4: transfer.notify = \"192.0.2.1:0\": ", "port"},
      {"[transfer]\nnotify = [\"192.0.2.1:53\", \"192.0.2.1:53\"]",
       "config: t.toml:4: transfer.notify = \"192.0.2.1:53\": ", "twice"},
      {"[transfer]\nnotify = [\"192.0.2.1:53 key a b\"]", "config: t.toml:4: transfer.notify = ", "its key "},
      {"[transfer]\nnotify = [\"192.0.2.1:53 xfr.example\"]", "config: t.toml:4: transfer.notify = ", "port"},
      {"[transfer]\nnotify = [\"192.0.2.1:53 key xfr.example\"]",
       "config: t.toml:4: transfer.notify = ", "[[transfer.key]]"},
      {"[transfer]\ntls = [\"192.0.2.1\"]\ntls_certificate = \"c\"\ntls_key = \"k\"",
       "config: t.toml:4: transfer.tls = \"192.0.2.1\": ", "no port"},
      {"[transfer]\ntls = [\"192.0.2.1:853\", \"192.0.2.1:853\"]\ntls_certificate = \"c\"\ntls_key = \"k\"",
       "config: t.toml:4: transfer.tls = \"192.0.2.1:853\": ", "twice"},
      {"[transfer]\ntls = [\"127.0.0.1:5300\"]\ntls_certificate = \"c\"\ntls_key = \"k\"",
       "config: t.toml:4: transfer.tls = \"127.0.0.1:5300\": ", "server.listen"},
      {"[transfer]\ntls = [\"192.0.2.1:853\"]\ntls_certificate = \"c\"", "config: t.toml:3: transfer.tls_key",
       "missing"},
      {"[transfer]\ntls_clients = \"c\"",
       "config: t.toml:4: transfer.tls_clients = \"c\": ", "no effect without `tls`"},
      {"[[transfer.key]]\nname = \"a b\"\nsecret_file = \"k\"",
       "config: t.toml:4: transfer.key.name = \"a b\": ", "write the name"},
      {"[[transfer.key]]\nname = \"k\"", "config: t.toml:3: transfer.key.secret_file", "no path"},
      {"[server.rate_limit]\nresponses = -1", "config: t.toml:4: server.rate_limit.responses = -1: ", "0 to 1000000"},
      {"[server.rate_limit]\nresponses = 1000001",
       "config: t.toml:4: server.rate_limit.responses = 1000001: ", "0 to 1000000"},
      {"[server.rate_limit]\nslip = -1", "config: t.toml:4: server.rate_limit.slip = -1: ", "0 to 100"},
      {"[server.rate_limit]\nslip = 101", "config: t.toml:4: server.rate_limit.slip = 101: ", "0 to 100"},
      {"[server.rate_limit]\nipv4_prefix = 7", "config: t.toml:4: server.rate_limit.ipv4_prefix = 7: ", "8 to 32"},
      {"[server.rate_limit]\nipv4_prefix = 33", "config: t.toml:4: server.rate_limit.ipv4_prefix = 33: ", "8 to 32"},
      {"[server.rate_limit]\nipv6_prefix = 15", "config: t.toml:4: server.rate_limit.ipv6_prefix = 15: ", "16 to 128"},
      {"[server.rate_limit]\nipv6_prefix = 129",
       "config: t.toml:4: server.rate_limit.ipv6_prefix = 129: ", "16 to 128"},
      {"[server.rate_limit]\ntable = 1023", "config: t.toml:4: server.rate_limit.table = 1023: ", "1024 to 16777216"},
      {"[server.rate_limit]\ntable = 16777217",
       "config: t.toml:4: server.rate_limit.table = 16777217: ", "1024 to 16777216"},
      {"[policy]\nhalf_life = \"0s\"", "config: t.toml:4: policy.half_life = ", "range"},
      {"[policy]\nlist_at = 0", "config: t.toml:4: policy.list_at = 0: ", "above 0"},
      {"[policy]\nlist_at = nan", "config: t.toml:4: policy.list_at = nan: ", "above 0"},
      {"[policy]\nlist_at = inf", "config: t.toml:4: policy.list_at = inf: ", "range"},
      {"[policy]\ndelist_below = -1.5", "config: t.toml:4: policy.delist_below = -1.5: ", "above 0"},
      {"[policy]\ndelist_below = 4.0", "config: t.toml:4: policy.delist_below = 4.0: ", "lower delist_below"},
      {"[policy]\nlist_at = 0.5", "config: t.toml:4: policy.list_at = 0.5: ", "greater than list_at"},
      {"[policy]\ndistinct_traps = 0", "config: t.toml:4: policy.distinct_traps = 0: ", "1 to 64"},
      {"[policy]\ndistinct_traps = 65", "config: t.toml:4: policy.distinct_traps = 65: ", "1 to 64"},
      {"[policy]\ndistinct_campaigns = 0", "config: t.toml:4: policy.distinct_campaigns = 0: ", "1 to 64"},
      {"[policy]\ntrap_cap = 0.0", "config: t.toml:4: policy.trap_cap = 0.0: ", "above 0"},
      {"[policy]\ncampaign_cap = 0", "config: t.toml:4: policy.campaign_cap = 0: ", "above 0"},
      {"[policy]\nmax_listing = \"0d\"", "config: t.toml:4: policy.max_listing = ", "range"},
      {"[policy]\nrepeat_factor = 0.9", "config: t.toml:4: policy.repeat_factor = 0.9: ", "from 1"},
      {"[policy.weights]\ndsn = -0.1", "config: t.toml:4: policy.weights.dsn = -0.1: ", "from 0"},
      // values with a grammar
      {"hostmaster = \"example.org\"", "config: t.toml:3: zone.hostmaster = ", "name@example.org"},
      {"hostmaster = \"a b@example.org\"", "config: t.toml:3: zone.hostmaster = ", "before the \"@\""},
      {"nameservers = []", "config: t.toml:3: zone.nameservers = […]: ", "at least one"},
      {"nameservers = [\"ns.bl.example.org 192.0.2\"]",
       "config: t.toml:3: zone.nameservers = ", "its address 192.0.2 "},
      {"nameservers = [\"ns.example.org 192.0.2.53\"]", "config: t.toml:3: zone.nameservers = ", "remove them here"},
      {"nameservers = [\"bl.example.org 192.0.2.53\"]", "config: t.toml:3: zone.nameservers = ", "name another"},
      {"nameservers = [\"x.1.bl.example.org 192.0.2.53\"]", "config: t.toml:3: zone.nameservers = ", "another name"},
      {"nameservers = [\"a.bl.example.org 192.0.2.53\"]", "config: t.toml:3: zone.nameservers = ", "another name"},
      {"nameservers = [\"ns..example.org\"]", "config: t.toml:3: zone.nameservers = ", "empty label"},
      {"hosts = \"www 192.0.2.80\"", "config: t.toml:3: zone.hosts = ", "brackets"},
      {"hosts = [\"www\"]", "config: t.toml:3: zone.hosts = \"www\": ", "has no address"},
      {"hosts = [\"\"]", "config: t.toml:3: zone.hosts = \"\": ", "one label"},
      {"hosts = [\"www 192.0.2.80\",\n\"w3 192.0.2\"]", "config: t.toml:4: zone.hosts = ", "its address 192.0.2 "},
      {"hosts = [\"www.bl.example.org 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "one label"},
      {"hosts = [\"w!w 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "one label"},
      {"hosts = [\"-w 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "one label"},
      {"hosts = [\"www. 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "one label"},
      {"hosts = [\"* 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "one label"},
      {"hosts = [\"w_w 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "one label"},
      {"hosts = [\"255 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "another label"},
      {"hosts = [\"F 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "another label"},
      {"hosts = [\"ns 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "after its name in nameservers"},
      {"hosts = [\"www 192.0.2.80\", \"www 2001:db8::80 192.0.2.80\"]", "config: t.toml:3: zone.hosts = ", "twice"},
      {"txt = \"Reason: {ip}\"", "config: t.toml:3: zone.txt = ", "Exim"},
      {"txt = \"schön {ip}\"", "config: t.toml:3: zone.txt = ", "ASCII"},
      {"txt = \"tab\\there\"", "config: t.toml:3: zone.txt = ", "ASCII"},
      {"txt = \"\"", "config: t.toml:3: zone.txt = ", "empty"},
      {"txt = \"listed {IP}\"", "config: t.toml:3: zone.txt = ", "{ip}"},
      {"[server]\nlisten = [\"127.0.0.1\"]", "config: t.toml:4: server.listen = ", "has no port"},
      {"[server]\nlisten = [\"[::1]\"]", "config: t.toml:4: server.listen = ", "has no port"},
      {"[server]\nlisten = [\"::1:53\"]", "config: t.toml:4: server.listen = ", "brackets"},
      {"[server]\nlisten = [\"localhost:53\"]", "config: t.toml:4: server.listen = ", "127.0.0.1:5300"},
      {"[server]\nlisten = [\"127.0.0.1:0\"]", "config: t.toml:4: server.listen = ", "1 to 65535"},
      {"[server]\nlisten = [\"127.0.0.1:65536\"]", "config: t.toml:4: server.listen = ", "1 to 65535"},
      {"[server]\nlisten = [\"127.0.0.1:53x\"]", "config: t.toml:4: server.listen = ", "1 to 65535"},
      {"[server]\nlisten = []", "config: t.toml:4: server.listen = ", "at least one"},
      {"[server]\nlisten = [\"127.0.0.1:53\",\n\"127.0.0.1:53\"]", "config: t.toml:5: server.listen = ", "twice"},
      {"[server]\nallow = [\"192.0.2.1/24\"]", "config: t.toml:4: server.allow = \"192.0.2.1/24\": ", "192.0.2.0/24"},
      {"[server]\nallow = [\"localhost\"]",
       "config: t.toml:4: server.allow = \"localhost\": ", "write an address or a network"},
      {"[server]\nallow = \"192.0.2.0/24\"", "config: t.toml:4: server.allow = \"192.0.2.0/24\": ", "brackets"},
      {"[server]\ncookies = \"on\"", "config: t.toml:4: server.cookies = \"on\": ", "true or false"},
      {"[server]\ncookie_secrets = [\"e5e973e5a6b2a43f48e7dc849e37bfc\"]",
       "config: t.toml:4: server.cookie_secrets = \"…\": ", "32 hexadecimal digits"},
      {"[server]\ncookie_secrets = [\"e5e973e5a6b2a43f48e7dc849e37bfcf0\"]",
       "config: t.toml:4: server.cookie_secrets = \"…\": ", "openssl rand -hex 16"},
      {"[server]\ncookie_secrets = [\"0xe973e5a6b2a43f48e7dc849e37bfcf\"]",
       "config: t.toml:4: server.cookie_secrets = \"…\": ", "32 hexadecimal digits"},
      {"[server]\ncookie_secrets = [\"e5e973e5a6b2a43f48e7dc849e37bfcf\",\n\"E5E973E5A6B2A43F48E7DC849E37BFCF\"]",
       "config: t.toml:5: server.cookie_secrets = \"…\": ", "same as the first"},
      {"[server]\ncookie_secrets = "
       "[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\","
       "\"cccccccccccccccccccccccccccccccc\"]",
       "config: t.toml:4: server.cookie_secrets = \"…\": ", "has 3 secrets; at most two"},
      {"[server]\nuser = \"a\\u0000b\"", "config: t.toml:4: server.user = ", "is no user name"},
      {"[server]\nsandbox = \"no\"", "config: t.toml:4: server.sandbox = \"no\": ", "true or false"},
      {"[server]\nstatus_socket = 1", "config: t.toml:4: server.status_socket = 1: ", "quotes"},
      {"[server]\nstatus_socket = \"a\\u0000b\"", "config: t.toml:4: server.status_socket = ", "is no path"},
      {"[server]\nstatus_socket = \"" + std::string(108, 's') + "\"",
       "config: t.toml:4: server.status_socket = ", "longer than 107 octets"},
      {"[server]\nstatus_socket = \"/var/lib/blowback/blowback.db\"",
       "config: t.toml:4: server.status_socket = ", "is the database"},
      {"[server.rate_limit]\nexempt = [\"::1/129\"]",
       "config: t.toml:4: server.rate_limit.exempt = \"::1/129\": ", "0 to 128"},
      {"[traps]\ndomains = [\"@trap.example.net\"]", "config: t.toml:4: traps.domains = ", "letters, digits"},
      {"[traps]\naddresses = [\"trap.example.net\"]", "config: t.toml:4: traps.addresses = ", "name@example.org"},
      {"database = 1", "config: t.toml:3: zone.database = 1: ", "at the top of the file"},
      // feeds
      {"[[feed]]\ntype = \"imap\"", "config: t.toml:4: feed.type = ", "\"maildir\", \"mbox\", \"jsonl\""},
      {"[[feed]]\ntype = \"mbox\"\npath = \"\"", "config: t.toml:5: feed.path = ", "no path"},
      {"[[feed]]\ntype = \"mbox\"\npath = \"-\"", "config: t.toml:5: feed.path = ", "standard input"},
      {"[[feed]]\ntype = \"stdin\"\npath = \"/x\"", "config: t.toml:5: feed.path = ", "remove the key"},
      {"[[feed]]\ntype = \"mbox\"\nafter = \"cur\"", "config: t.toml:5: feed.after = ", "maildir only"},
      {"[[feed]]\ntype = \"mbox\"\nquoting = \"mboxcl\"",
       "config: t.toml:5: feed.quoting = ", R"("none", "mboxrd", "mboxo", "content-length")"},
      {"[[feed]]\nquoting = \"mboxrd\"", "config: t.toml:4: feed.quoting = ", "an mbox only"},
      {"[[feed]]\ntype = \"smtp\"\npath = \"/x\"", "config: t.toml:5: feed.path = ", "listen"},
      {"[[feed]]\nlisten = [\"[::]:25\"]", "config: t.toml:4: feed.listen = ", "smtp and lmtp only"},
      {"[[feed]]\ntype = \"smtp\"\nlisten = [\"localhost\"]", "config: t.toml:5: feed.listen = ", ""},
      {"[[feed]]\ntype = \"lmtp\"\nlisten = [\"unix:lmtp\"]", "config: t.toml:5: feed.listen = ", "absolute path"},
      {"[[feed]]\ntype = \"smtp\"\nkey = \"/k\"", "config: t.toml:5: feed.key = ", "two PEM files"},
      {"[[feed]]\ntype = \"smtp\"\nproxy_protocol = true",
       "config: t.toml:5: feed.proxy_protocol = ", "trusted_relays"},
      {"[[feed]]\ntype = \"smtp\"\nconnections = 0", "config: t.toml:5: feed.connections = ", "1 to 20000"},
      {"[[feed]]\ntype = \"milter\"\npath = \"/x\"", "config: t.toml:5: feed.path = ", "listen"},
      {"[[feed]]\ntype = \"milter\"\nlisten = [\"[::1]:1\", \"[::1]:2\"]",
       "config: t.toml:5: feed.listen = ", "a feed for each"},
      {"[[feed]]\ntype = \"milter\"\nhide_traps = true", "config: t.toml:5: feed.hide_traps = ", "smtp and lmtp only"},
      {"[[feed]]\ntype = \"smtp\"\ncallouts = false", "config: t.toml:5: feed.callouts = ", "milter only"},
      {"[[feed]]\nafter = \"keep\"", "config: t.toml:4: feed.after = ", "\"remove\""},
      {"[[feed]]\nname = \"\"", "config: t.toml:4: feed.name = ", "1 to 64"},
      {"[[feed]]\nname = \"a\"\n[[feed]]\nname = \"a\"", "config: t.toml:6: feed.name = ", "earlier feed"},
      {"[[feed]]\n[[feed]]", "config: t.toml:4: feed.name: ", "without one it is \"maildir\""},
      {"[[feed]]\ntrusted_relays = [\"192.0.2.1/24\"]", "config: t.toml:4: feed.trusted_relays = ", "192.0.2.0/24"},
      {"[[feed]]\ntrusted_relays = [\"mx.example.org\"]", "config: t.toml:4: feed.trusted_relays = ", "192.0.2.25"},
      // unknown keys
      {"[policy]\nhalflife = \"7d\"", "config: t.toml:4: policy.halflife = ", "did you mean policy.half_life?"},
      {"[policy.weights]\ndns = 1.0", "config: t.toml:4: policy.weights.dns = 1.0: ", "policy.weights.dsn?"},
      {"[servers]\nworkers = 1", "config: t.toml:3: servers = {…}: ", "did you mean server?"},
      {"list_at = 2.0", "config: t.toml:3: zone.list_at = 2.0: ", "belongs in [policy]"},
      {"[policy]\npath = \"x\"", "config: t.toml:4: policy.path = ", "belongs in a [[feed]]"},
      {"[policy]\nfrobnicate = 1", "config: t.toml:4: policy.frobnicate = 1: ", "half_life, list_at, delist_below"},
      {"[server]\nrate_limits = 1", "config: t.toml:4: server.rate_limits = 1: ", "server.rate_limit?"},
      {"[server]\nresponses = 5", "config: t.toml:4: server.responses = 5: ", "belongs in [server.rate_limit]"},
      {"\"a\\nb\" = 1", "config: t.toml:3: zone.", "no such key"},
      // not TOML at all
      {"ttl = ", "config: t.toml:3: is not TOML: ", "toml.io"},
      {"ttl = \"1m\"\nttl = \"2m\"", "config: t.toml:4: is not TOML: ", "toml.io"},
  }));
  CAPTURE(c.text);
  const std::string error = error_of(kZone + c.text);
  CHECK_THAT(error, Catch::StartsWith(c.start));
  CHECK_THAT(error, Catch::Contains(c.mend));
}

TEST_CASE("a cookie secret is never shown, however wrong it is written", "[config]") {
  const std::string secret = "e5e973e5a6b2a43f48e7dc849e37bfc";
  const auto key =
      GENERATE_COPY(as<std::string>{}, "cookie_secrets = [\"" + secret + "\"]", "cookie_secrets = \"" + secret + "\"",
                    "cookie_secrets = [12345678]", "cookie_secret = \"" + secret + "\"", "cookie_secrets = 12345678");
  CAPTURE(key);
  const std::string error = error_of(kZone + "[server]\n" + key);
  CHECK_THAT(error, Catch::StartsWith("config: t.toml:4: server.cookie_secret"));
  CHECK_THAT(error, !Catch::Contains("e5e9") && !Catch::Contains("1234"));
}

TEST_CASE("a config without the zone's name says so", "[config]") {
  CHECK_THAT(error_of(""), Catch::StartsWith("config: t.toml:") && Catch::Contains("zone.name") &&
                               Catch::Contains("name = \"bl.example.org\""));
  CHECK_THAT(error_of("database = \"x\"\n\n[zone]\nttl = \"1m\"\n"),
             Catch::StartsWith("config: t.toml:3: zone.name: is missing"));
}

TEST_CASE("a zone's name must be a DNS name with room for an address before it", "[config]") {
  const auto of = [](const std::string& name) { return error_of("[zone]\nname = \"" + name + "\"\n"); };
  CHECK_THAT(of(""), Catch::StartsWith("config: t.toml:2: zone.name = ") && Catch::Contains("is no name"));
  CHECK_THAT(of("."), Catch::Contains("is no name"));
  CHECK_THAT(of("bl..example.org"), Catch::Contains("empty label"));
  CHECK_THAT(of("bl example.org"), Catch::Contains("letters, digits"));
  CHECK_THAT(of("-bl.example.org"), Catch::Contains("begins or ends with"));
  CHECK_THAT(of(std::string(64, 'a') + ".org"), Catch::Contains("at most 63"));
  const std::string long_name = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(62, 'c');
  CHECK_THAT(of(long_name), Catch::Contains("192 octets on the wire; at most 191 fit") && Catch::Contains("32 labels"));
}

TEST_CASE("a TXT must fit with the longest address in it", "[config]") {
  const auto with = [](std::size_t dots) {
    return error_of(kZone + "txt = \"" + std::string(dots, '.') + "{ip}" + "\"\n");
  };
  CHECK(with(255 - 39) == "no error");
  CHECK_THAT(with(255 - 38), Catch::Contains("256 octets") && Catch::Contains("shorten it by 1"));
}

TEST_CASE("a default TXT that a long zone name makes too long asks for one of the operator's own", "[config]") {
  const std::string name = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(40, 'c');
  CHECK_THAT(error_of("[zone]\nname = \"" + name + "\"\n"),
             Catch::StartsWith("config: t.toml:1: zone.txt: its default has ") && Catch::Contains("of your own"));
}

TEST_CASE("all errors are reported at once, in the order of the lines", "[config]") {
  const std::string error =
      error_of("[policy]\nlist_at = \"x\"\n[zone]\nttl = 1\nname = \"bl.example.org\"\nfoo = 1\n");
  CHECK_THAT(error, Catch::StartsWith("config: t.toml:2: policy.list_at"));
  CHECK_THAT(error, Catch::Contains("\nconfig: t.toml:4: zone.ttl"));
  CHECK_THAT(error, Catch::Contains("\nconfig: t.toml:6: zone.foo"));
}

TEST_CASE("a long value is cut, and shown on one line without control characters", "[config]") {
  const std::string error = error_of(kZone + "ttl = \"\\u001b[31m" + std::string(500, 'x') + "\"\n");
  CHECK(error.size() < 300);
  CHECK(error.find('\x1b') == std::string::npos);
  CHECK(error.find('\n') == std::string::npos);
}

TEST_CASE("a deeply nested value is an error, not a crash", "[config]") {
  CHECK_THAT(error_of(kZone + "ttl = " + std::string(100'000, '[')),
             Catch::StartsWith("config: t.toml:3: is not TOML"));
}

TEST_CASE("zones of one config have different names, none below another", "[config]") {
  const auto error_with = [](const std::string& name) {
    return error_of("[[zone]]\nname = \"bl.example.org\"\n[[zone]]\nname = \"" + name + "\"\n");
  };
  CHECK(error_with("xbl.example.org") == "no error");
  CHECK_THAT(error_with("BL.example.org."),
             Catch::StartsWith("config: t.toml:4: zone.name = ") && Catch::Contains("give each zone another name"));
  CHECK_THAT(error_with("dsn.bl.example.org"),
             Catch::StartsWith("config: t.toml:4: zone.name = ") && Catch::Contains("for example dsn-bl.example.org"));
  CHECK_THAT(error_with("example.org"), Catch::Contains("bl.example.org lies in the zone example.org") &&
                                            Catch::Contains("for example bl-example.org"));
  CHECK_THAT(error_of("[[zone]]\nname = \"bl.example.org\"\n[[zone]]\n"),
             Catch::StartsWith("config: t.toml:3: zone.name: is missing"));
  std::string many;
  for (int i = 0; i < 17; ++i) many += "[[zone]]\nname = \"z" + std::to_string(i) + ".example.org\"\n";
  CHECK_THAT(error_of(many), Catch::Contains("there can be 16 zones at most"));
}
