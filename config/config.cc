// The config's keys, their ranges and their defaults, section by section.
#include "config/config.h"

#include "blowback/text.h"
#include "config/written.h"
#include "file_text.h"
#include "names.h"
#include "section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace blowback::config {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::weeks;

/// So that a misplaced key can be told where it belongs.
constexpr auto kAllKeys = std::to_array<std::string_view>({"database",
                                                           "zone.name",
                                                           "zone.nameservers",
                                                           "zone.hostmaster",
                                                           "zone.ttl",
                                                           "zone.negative_ttl",
                                                           "zone.txt",
                                                           "server.listen",
                                                           "server.workers",
                                                           "server.nsid",
                                                           "server.stale_after",
                                                           "server.tcp_connections",
                                                           "server.tcp_idle",
                                                           "server.allow",
                                                           "server.cookies",
                                                           "server.cookie_secrets",
                                                           "server.status_socket",
                                                           "server.user",
                                                           "server.sandbox",
                                                           "server.rate_limit.responses",
                                                           "server.rate_limit.slip",
                                                           "server.rate_limit.ipv4_prefix",
                                                           "server.rate_limit.ipv6_prefix",
                                                           "server.rate_limit.table",
                                                           "server.rate_limit.exempt",
                                                           "traps.domains",
                                                           "traps.addresses",
                                                           "traps.file",
                                                           "feed.type",
                                                           "feed.path",
                                                           "feed.trusted_relays",
                                                           "feed.after",
                                                           "feed.quoting",
                                                           "feed.listen",
                                                           "feed.callouts",
                                                           "feed.hostname",
                                                           "feed.certificate",
                                                           "feed.key",
                                                           "feed.proxy_protocol",
                                                           "feed.hide_traps",
                                                           "feed.connections",
                                                           "feed.connections_per_client",
                                                           "feed.message_size",
                                                           "feed.command_time",
                                                           "feed.data_time",
                                                           "ingest.judges",
                                                           "policy.half_life",
                                                           "policy.list_at",
                                                           "policy.delist_below",
                                                           "policy.distinct_traps",
                                                           "policy.distinct_campaigns",
                                                           "policy.trap_cap",
                                                           "policy.campaign_cap",
                                                           "policy.origin_cap",
                                                           "policy.mailbox_cap",
                                                           "policy.unknown_origin",
                                                           "policy.reverse_path",
                                                           "policy.max_listing",
                                                           "policy.repeat_factor",
                                                           "policy.allow_documentation",
                                                           "policy.weights.dsn",
                                                           "policy.weights.auto_reply",
                                                           "policy.weights.challenge",
                                                           "policy.weights.virus_notice",
                                                           "policy.weights.mdn",
                                                           "policy.weights.callout",
                                                           "log.format",
                                                           "log.level",
                                                           "metrics.server",
                                                           "metrics.ingest",
                                                           "retention.evidence",
                                                           "retention.incidents",
                                                           "retention.quarantine",
                                                           "retention.quarantine_size",
                                                           "retention.journal",
                                                           "retention.maildir",
                                                           "retention.max_disk"});

constexpr Duration kTenYears = days{3653};

/// Reads an array of texts and turns each into its value, or complains of it by its own line.
template <typename T, typename Parse>
void parsed_texts(Section& section, std::string_view key, std::vector<T>& into, Parse parse) {
  std::vector<std::string> texts;
  section.texts(key, texts);
  if (!section.is_good(key)) return;
  into.clear();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto value = parse(texts[i]);
    if (value) {
      into.push_back(std::move(*value));
    } else {
      section.complain(key, i, value.error().text);
    }
  }
}

/// Reads an array of addresses and networks.
void prefixes(Section& section, std::string_view key, std::vector<Prefix>& into) {
  parsed_texts(section, key, into, [](const std::string& text) -> std::expected<Prefix, AddressError> {
    auto prefix = Prefix::parse(text);
    if (prefix) return prefix;
    return std::unexpected(AddressError{
        prefix.error().text + R"(; write an address or a network, for example "192.0.2.25" or "192.0.2.0/24")"});
  });
}

void read_zone(Section& section, Zone& zone) {
  section.text("name", zone.name);
  if (section.is_good("name")) {
    auto name = dns_name(zone.name, 255 - kNibbleOctets);
    if (name) {
      zone.name = *std::move(name);
    } else {
      const bool too_long = wire_length(zone.name) > 255 - kNibbleOctets && dns_name(zone.name);
      section.complain(
          "name", too_long ? fmt::format("{} (32 labels of an IPv6 address stand in front of it)", name.error().text)
                           : name.error().text);
    }
  } else if (!section.has("name")) {
    section.complain("name",
                     "is missing, and is the one key without a default; write name = \"bl.example.org\" in [zone]");
  }

  std::vector<Nameserver> nameservers{{.name = "ns." + zone.name, .addresses = {}}};
  parsed_texts(section, "nameservers", nameservers,
               [&](const std::string& text) { return nameserver(text, zone.name); });
  if (section.is_good("nameservers") && nameservers.empty()) {
    section.complain("nameservers", "is empty; name at least one, or leave the key out for ns. and the zone's name");
  }
  for (const auto& [name, addresses] : nameservers) {
    zone.nameservers.push_back(name);
    for (const auto& address : addresses) zone.nameserver_addresses.push_back({.name = name, .address = address});
  }

  zone.hostmaster = "hostmaster@" + zone.name;
  section.text("hostmaster", zone.hostmaster);
  if (section.is_good("hostmaster")) {
    // The local part keeps its case: it is a mailbox, and its domain is checked as any.
    if (auto address = mail_address(zone.hostmaster); !address) section.complain("hostmaster", address.error().text);
  }

  section.duration("ttl", zone.ttl, Duration{0}, weeks{1});
  section.duration("negative_ttl", zone.negative_ttl, Duration{0}, days{1});

  zone.txt = fmt::format("Backscatter from {{ip}}, see https://{}/{{ip}}", zone.name);
  section.text("txt", zone.txt);
  if (section.is_good("txt")) {
    if (auto checked = check_txt(zone.txt); !checked) section.complain("txt", checked.error().text);
  } else if (!section.has("txt") && section.is_good("name")) {
    // A long zone name can make the default too long.
    if (auto checked = check_txt(zone.txt); !checked) {
      section.complain("txt", fmt::format("its default {}; write a txt of your own in [zone]", checked.error().text));
    }
  }
}

void read_rate_limit(Section& section, RateLimit& limit) {
  section.integer("responses", limit.responses, 0, 1'000'000);
  section.integer("slip", limit.slip, 0, 100);
  section.integer("ipv4_prefix", limit.ipv4_prefix, 8, 32);
  section.integer("ipv6_prefix", limit.ipv6_prefix, 16, 128);
  section.integer("table", limit.table, 1024, 16'777'216);
  prefixes(section, "exempt", limit.exempt);
}

void read_cookie_secrets(Section& section, std::vector<CookieSecret>& secrets) {
  parsed_texts(section, "cookie_secrets", secrets, [](const std::string& text) { return cookie_secret(text); });
  if (!section.is_good("cookie_secrets")) return;
  if (secrets.size() > 2) {
    section.complain("cookie_secrets",
                     fmt::format("has {} secrets; two are the most, the one that makes cookies and one that is "
                                 "accepted, too",
                                 secrets.size()));
  } else if (secrets.size() == 2 && secrets.front() == secrets.back()) {
    section.complain("cookie_secrets", 1, "is the first one once more; take one away");
  }
}

void read_status_socket(Section& section, Server& server, const std::string& database) {
  section.text("status_socket", server.status_socket);
  if (!section.is_good("status_socket")) return;
  const auto& path = server.status_socket;
  if (path.find('\0') != std::string::npos) {
    section.complain("status_socket", "is no path; name a file for the socket, or \"\" for none");
  } else if (path.size() > kSocketPathOctets) {
    section.complain("status_socket",
                     fmt::format("is longer than the {} octets that a unix socket's path may have; name a "
                                 "shorter one, for example \"/run/blowback/server\"",
                                 kSocketPathOctets));
  } else if (path == database) {
    section.complain("status_socket", "is the database; name another file");
  }
}

void read_server(Section& section, Server& server, const std::string& database) {
  parsed_texts(section, "listen", server.listen, [](const std::string& text) { return endpoint(text); });
  if (section.is_good("listen")) {
    if (server.listen.empty()) {
      section.complain("listen", R"(is empty; name at least one, for example ["127.0.0.1:5300"])");
    }
    std::set<std::pair<IpAddress, std::uint16_t>> seen;
    for (std::size_t i = 0; i < server.listen.size(); ++i) {
      if (!seen.emplace(server.listen[i].address, server.listen[i].port).second) {
        section.complain("listen", i, "stands there twice; take one away");
      }
    }
  }
  section.integer("workers", server.workers, 0, 256);
  section.text("nsid", server.nsid);
  if (section.is_good("nsid")) {
    if (server.nsid.size() > 64) {
      section.complain("nsid", "is longer than 64 octets; shorten it");
    } else if (!std::ranges::all_of(server.nsid, [](char c) { return c >= ' ' && c <= '~'; })) {
      section.complain("nsid", "has something other than printable ASCII; use plain ASCII");
    }
  }
  section.duration("stale_after", server.stale_after, Duration{1}, kTenYears);
  section.integer("tcp_connections", server.tcp_connections, 1, 65536);
  section.duration("tcp_idle", server.tcp_idle, Duration{1}, hours{1});
  prefixes(section, "allow", server.allow);
  section.boolean("cookies", server.cookies);
  read_cookie_secrets(section, server.cookie_secrets);
  read_status_socket(section, server, database);
  section.text("user", server.user);
  if (section.is_good("user") && server.user.find('\0') != std::string::npos) {
    section.complain("user", "is no user's name; name the one that the server becomes, for example \"blowback\"");
  }
  section.boolean("sandbox", server.sandbox);
  section.section("rate_limit", [&](Section& inner) { read_rate_limit(inner, server.rate_limit); });
}

void read_traps(Section& section, Traps& traps) {
  std::vector<TrapName> domains;
  parsed_texts(section, "domains", domains, [](const std::string& text) { return trap_domain(text); });
  for (const auto& domain : domains) add_trap(traps, domain);
  parsed_texts(section, "addresses", traps.addresses, [](const std::string& text) { return mail_address(text); });
  keep_each_once(traps);
  section.text("file", traps.file);
  if (section.is_good("file") && traps.file.find('\0') != std::string::npos) {
    section.complain("file", "is no path; name a file with a trap a line");
  }
}

struct FeedTypeName {
  std::string_view name;
  FeedType type;
  std::string_view default_path;
};

constexpr std::array<FeedTypeName, 7> kFeedTypes{{{"maildir", FeedType::maildir, "/var/spool/blowback/Maildir"},
                                                  {"mbox", FeedType::mbox, "/var/spool/blowback/mbox"},
                                                  {"jsonl", FeedType::jsonl, "-"},
                                                  {"stdin", FeedType::standard_input, ""},
                                                  {"smtp", FeedType::smtp, ""},
                                                  {"lmtp", FeedType::lmtp, ""},
                                                  {"milter", FeedType::milter, ""}}};

/// `192.0.2.1:25`, `[2001:db8::1]:25`, or `unix:/path`.
[[nodiscard]] std::expected<std::variant<Endpoint, std::string>, NameError> door_endpoint(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (!text.starts_with(kUnix)) {
    auto at = endpoint(text);
    if (!at) return std::unexpected(std::move(at).error());
    return *at;
  }
  const auto path = text.substr(kUnix.size());
  if (path.empty() || path.front() != '/' || path.size() > kSocketPathOctets || path.contains('\0')) {
    return std::unexpected(
        NameError{fmt::format("needs an absolute path of at most {} octets behind unix:", kSocketPathOctets)});
  }
  return std::string(path);
}

void read_door(Section& section, const Feed& feed, Door& door) {
  const bool is_milter = feed.type == FeedType::milter;
  if (is_milter || feed.type == FeedType::lmtp) {
    door.listen = {*endpoint(is_milter ? "127.0.0.1:8895" : "127.0.0.1:2424")};
  } else {
    door.listen = {*endpoint("0.0.0.0:25"), *endpoint("[::]:25")};
  }
  parsed_texts(section, "listen", door.listen, [](const std::string& text) { return door_endpoint(text); });
  section.text("hostname", door.hostname);
  if (section.is_good("hostname")) {
    if (const auto name = dns_name(door.hostname); !name) section.complain("hostname", name.error().text);
  }
  section.text("certificate", door.certificate);
  section.text("key", door.key);
  if (door.certificate.empty() != door.key.empty()) {
    section.complain(door.key.empty() ? "certificate" : "key",
                     "needs the other one, too: `certificate` and `key` are two PEM files that belong together");
  }
  section.boolean("proxy_protocol", door.proxy_protocol);
  if (door.proxy_protocol && feed.trusted_relays.empty()) {
    section.complain("proxy_protocol",
                     "lets the proxy say who connected, so say who the proxy is: put its address into trusted_relays");
  }
  section.boolean("hide_traps", door.hide_traps);
  section.integer("connections", door.connections, 1, 20'000);
  section.integer("connections_per_client", door.connections_per_client, 1, 20'000);
  section.integer("message_size", door.message_size, 1 << 10, 32 << 20);
  section.duration("command_time", door.command_time, std::chrono::seconds{1}, std::chrono::hours{1});
  section.duration("data_time", door.data_time, std::chrono::seconds{1}, std::chrono::hours{1});
  section.boolean("callouts", door.callouts);
  if (is_milter && door.listen.size() > 1) {
    section.complain("listen", "needs one place, where the mail server finds its milter; write a feed for each");
  }
  if (!is_milter && section.is_good("callouts")) {
    section.complain("callouts", "concerns feeds of type milter only; take the key away");
  }
  if (feed.has_door() && !is_milter) return;
  for (const auto* const key : {"hostname", "certificate", "key", "proxy_protocol", "hide_traps",
                                "connections_per_client", "command_time", "data_time"}) {
    if (section.is_good(key)) section.complain(key, "concerns feeds of type smtp and lmtp only; take the key away");
  }
  if (is_milter) return;
  for (const auto* const key : {"listen", "connections", "message_size"}) {
    if (section.is_good(key)) {
      section.complain(key, "concerns feeds of type smtp and lmtp only, and milter; take the key away");
    }
  }
}

/// One of `names` by its place, or a complaint that lists them.
template <typename Choice, std::size_t N>
void choice(Section& section, std::string_view key, Choice& into, const std::array<std::string_view, N>& names) {
  std::string text(names.at(static_cast<std::size_t>(into)));
  section.text(key, text);
  if (!section.is_good(key)) return;
  const auto* const known = std::ranges::find(names, text);
  if (known == names.end()) {
    section.complain(key, fmt::format("is none of \"{}\"; write one of them", fmt::join(names, "\", \"")));
  } else {
    into = static_cast<Choice>(known - names.begin());
  }
}

void read_feed(Section& section, std::vector<Feed>& feeds) {
  Feed feed;
  std::string type = "maildir";
  section.text("type", type);
  const auto* known = std::ranges::find(kFeedTypes, type, &FeedTypeName::name);
  if (known == kFeedTypes.end()) {
    section.complain(
        "type", R"(is no type of feed; there are "maildir", "mbox", "jsonl", "stdin", "smtp", "lmtp" and "milter")");
    known = kFeedTypes.begin();
  }
  feed.type = known->type;

  feed.name = type;
  section.text("name", feed.name);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (feed.name.empty() || feed.name.size() > 64 || std::ranges::any_of(feed.name, is_control)) {
    section.complain("name", "needs 1 to 64 octets without control characters; logs and statistics go by it");
  } else if (std::ranges::find(feeds, feed.name, &Feed::name) != feeds.end()) {
    section.complain("name", fmt::format("is the name of an earlier feed, too; give each feed a name of its own{}",
                                         section.has("name") ? "" : fmt::format(" (without one it is \"{}\")", type)));
  }

  feed.path = known->default_path;
  section.text("path", feed.path);
  if (section.is_good("path")) {
    if (feed.type == FeedType::standard_input) {
      section.complain("path", "has no use, since a stdin feed reads standard input; take the key away");
    } else if (feed.has_door()) {
      section.complain("path", "has no use, since such a feed listens; take the key away, or say where by `listen`");
    } else if (feed.path.empty() || feed.path.find('\0') != std::string::npos) {
      section.complain("path", "is no path; name the folder or file where the mail is");
    } else if (feed.path == "-" && feed.type != FeedType::jsonl) {
      section.complain("path",
                       R"(is standard input, which only "jsonl" reads; name a folder or file, or use type = "stdin")");
    }
  }
  prefixes(section, "trusted_relays", feed.trusted_relays);
  read_door(section, feed, feed.door);
  std::string after = "cur";
  section.text("after", after);
  if (section.is_good("after")) {
    if (feed.type != FeedType::maildir) {
      section.complain("after", "concerns a maildir only; take the key away");
    } else if (after != "cur" && after != "remove") {
      section.complain("after",
                       R"(says what becomes of a file once it is taken: "cur" moves it there, "remove" removes it)");
    }
  }
  feed.remove = after == "remove";
  if (section.has("quoting") && feed.type != FeedType::mbox) {
    section.complain("quoting", "concerns an mbox only; take the key away");
  }
  choice(section, "quoting", feed.quoting, kQuotings);
  feeds.push_back(std::move(feed));
}

void read_policy(Section& section, Policy& policy) {
  constexpr Range kAmount{.least = 0, .most = 1e6, .above = true};
  section.duration("half_life", policy.half_life, Duration{1}, kTenYears);
  section.number("list_at", policy.list_at, kAmount);
  section.number("delist_below", policy.delist_below, kAmount);
  choice(section, "reverse_path", policy.any_reverse_path, kReversePaths);
  section.integer("distinct_traps", policy.distinct_traps, 1, 64);
  section.integer("distinct_campaigns", policy.distinct_campaigns, 1, 64);
  section.number("trap_cap", policy.trap_cap, kAmount);
  section.number("campaign_cap", policy.campaign_cap, kAmount);
  section.number("origin_cap", policy.origin_cap, kAmount);
  section.number("mailbox_cap", policy.mailbox_cap, kAmount);
  section.number("unknown_origin", policy.unknown_origin, {.least = 0, .most = 1});
  section.duration("max_listing", policy.max_listing, Duration{1}, kTenYears);
  section.number("repeat_factor", policy.repeat_factor, {.least = 1, .most = 1000});
  section.boolean("allow_documentation", policy.allow_documentation);
  section.section("weights", [&](Section& weights) {
    for (std::size_t i = 0; i < policy.weights.size(); ++i) {
      weights.number(name_of(static_cast<Kind>(i)), policy.weights[i], {.least = 0, .most = 1e6});
    }
  });
  if (policy.delist_below <= policy.list_at) return;
  const std::string_view key = section.has("delist_below") ? "delist_below" : "list_at";
  section.complain(key,
                   fmt::format("makes delist_below ({:g}) greater than list_at ({:g}), so that a listing would end "
                               "before it began; lower delist_below",
                               policy.delist_below, policy.list_at));
}

void read_log(Section& section, Log& log) {
  choice(section, "format", log.format, kLogFormats);
  choice(section, "level", log.level, kLogLevels);
}

void read_metrics_endpoint(Section& section, std::string_view key, std::optional<MetricsEndpoint>& into) {
  constexpr std::string_view kUnix = "unix:";
  std::string text;
  section.text(key, text);
  if (!section.is_good(key) || text.empty()) return;
  if (text.starts_with(kUnix)) {
    auto path = text.substr(kUnix.size());
    if (path.empty() || path.find('\0') != std::string::npos || path.size() > kSocketPathOctets) {
      section.complain(key,
                       fmt::format("needs a path of 1 to {} octets after unix:, for example \"unix:/run/blowback/{}\"",
                                   kSocketPathOctets, key));
    } else {
      into = std::move(path);
    }
  } else if (auto parsed = endpoint(text)) {
    into = *parsed;
  } else {
    section.complain(
        key, fmt::format("{}; or name a unix socket, for example \"unix:/run/blowback/{}\"", parsed.error().text, key));
  }
}

/// Requires that the policy was read.
void read_retention(Section& section, Config& config) {
  Retention& retention = config.retention;
  const auto size = [&](std::string_view key, std::optional<std::uint64_t>& into) {
    std::string text;
    section.text(key, text);
    if (!section.is_good(key) || (text.empty() && key == "max_disk")) return;
    if (auto octets = parse_octets(text)) {
      into = *octets;
    } else {
      section.complain(key, octets.error().text);
    }
  };
  section.duration("evidence", retention.evidence, days{1}, kTenYears);
  section.duration("incidents", retention.incidents, days{1}, kTenYears);
  // What a listing hangs on isn't removed while it does.
  const Duration least = std::max(config.policy.parts_forgotten_after() * 2, config.policy.max_listing);
  if (retention.incidents < least) {
    section.complain(
        "incidents",
        fmt::format("is shorter than what scores hang on under this policy, so that a decision couldn't be undone; "
                    "set it to \"{}\" at least, or lower policy.half_life",
                    to_string(least)));
  }
  section.duration("quarantine", retention.quarantine, hours{1}, kTenYears);
  std::optional<std::uint64_t> quarantine_octets;
  size("quarantine_size", quarantine_octets);
  if (quarantine_octets) retention.quarantine_octets = *quarantine_octets;
  section.duration("journal", retention.journal, days{1}, kTenYears);
  section.duration("maildir", config.maildir_kept, days{1}, kTenYears);
  size("max_disk", retention.max_disk);
}

void read_metrics(Section& section, Metrics& metrics) {
  read_metrics_endpoint(section, "server", metrics.server);
  read_metrics_endpoint(section, "ingest", metrics.ingest);
  if (metrics.server && metrics.server == metrics.ingest) {
    section.complain("ingest", "is the server's, too; each daemon needs an endpoint of its own");
  }
}

void read_file(Section& top, Config& config) {
  top.text("database", config.database);
  if (top.is_good("database") && (config.database.empty() || config.database.find('\0') != std::string::npos)) {
    top.complain("database", "is no path; name the file of the database");
  }
  if (!top.has("zone")) {
    top.complain("zone.name",
                 "is missing, and is the one key without a default; write [zone] and name = \"bl.example.org\"");
  }
  top.section("zone", [&](Section& section) { read_zone(section, config.zone); });
  config.server.status_socket = config.database + ".server";
  top.section("server", [&](Section& section) { read_server(section, config.server, config.database); });
  top.section("traps", [&](Section& section) { read_traps(section, config.traps); });
  top.sections("feed", [&](Section& section) { read_feed(section, config.feeds); });
  top.section("ingest", [&](Section& section) { section.integer("judges", config.ingest.judges, 1, 64); });
  top.section("policy", [&](Section& section) { read_policy(section, config.policy); });
  top.section("log", [&](Section& section) { read_log(section, config.log); });
  top.section("metrics", [&](Section& section) { read_metrics(section, config.metrics); });
  top.section("retention", [&](Section& section) { read_retention(section, config); });
  top.finish();
}

std::string told(Findings findings, const std::string& name) {
  std::ranges::stable_sort(findings, {}, &Finding::line);
  std::string text;
  for (const Finding& finding : findings) {
    if (!text.empty()) text += '\n';
    text += finding.line == 0 ? fmt::format("config: {}: {}", name, finding.text)
                              : fmt::format("config: {}:{}: {}", name, finding.line, finding.text);
  }
  return text;
}

/// Reads `toml` by `read`, which has the top of it, and gathers what is wrong.
std::optional<ConfigError> read_toml(std::string_view toml, const std::string& name,
                                     const std::function<void(Section&, const toml::table&)>& read) {
  Findings findings;
  try {
    const toml::table table = toml::parse(toml, name);
    Section top(table, "", kAllKeys, findings);
    read(top, table);
  } catch (const toml::parse_error& error) {
    findings.assign(1, {error.source().begin.line,
                        fmt::format("is not TOML: {}; see https://toml.io for the form", error.description())});
  }
  if (findings.empty()) return std::nullopt;
  return ConfigError{told(std::move(findings), name)};
}

Config defaults(const std::string& name) {
  Config config;
  config.file = name;
  config.server.listen = {*endpoint("127.0.0.1:5300"), *endpoint("[::1]:5300")};
  config.server.rate_limit.exempt = {*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1/128")};
  return config;
}

void gather(const toml::table& table, const std::string& prefix, Lines& lines) {
  for (const auto& [key, value] : table) {
    const auto name = prefix + std::string(key.str());
    lines[name] = key.source().begin.line;
    if (const auto* inner = value.as_table()) gather(*inner, name + ".", lines);
    const auto* const array = value.as_array();
    if (array == nullptr || !value.is_array_of_tables()) continue;
    for (std::size_t i = 0; i < array->size(); ++i) {
      const auto& element = *array->get(i)->as_table();
      const auto element_name = fmt::format("{}.{}", name, i);
      lines[element_name] = element.source().begin.line;
      gather(element, element_name + ".", lines);
    }
  }
}

/// Of TOML that was read before.
[[nodiscard]] Lines lines_in(std::string_view toml, const std::string& name) {
  Lines lines;
  read_toml(toml, name, [&](Section&, const toml::table& table) { gather(table, "", lines); });
  return lines;
}

}  // namespace

std::string_view name_of(FeedType type) { return std::ranges::find(kFeedTypes, type, &FeedTypeName::type)->name; }

std::vector<std::string> without_address(const Zone& zone) {
  std::vector<std::string> names;
  for (const auto& name : zone.nameservers) {
    const auto knows = [&](const NameserverAddress& known) { return known.name == name; };
    if (lies_in(name, zone.name) && std::ranges::none_of(zone.nameserver_addresses, knows)) names.push_back(name);
  }
  return names;
}

int judges_by_default() { return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 4U)); }

std::string config_path(const std::string& option, const char* environment) {
  if (!option.empty()) return option;
  if (environment != nullptr && *environment != '\0') return environment;
  return "/etc/blowback/blowback.toml";
}

std::expected<Config, ConfigError> parse(std::string_view toml, const std::string& name) {
  Config config = defaults(name);
  auto error = read_toml(toml, name, [&](Section& top, const toml::table&) { read_file(top, config); });
  if (error) return std::unexpected(std::move(*error));
  return config;
}

std::expected<Config, ConfigError> load(const std::string& file, TrapFile trap_file) {
  const auto text = text_of(file);
  if (!text) return std::unexpected(text.error());
  auto config = parse(*text, file);
  if (!config || trap_file == TrapFile::left_out || config->traps.file.empty()) return config;
  const auto more = read_text(config->traps.file, FileUse::traps);
  if (!more) {
    const auto line = lines_in(*text, file)["traps.file"];
    return std::unexpected(ConfigError{
        fmt::format(R"(config: {}:{}: traps.file = "{}": {})", file, line, config->traps.file, more.error().text)});
  }
  auto traps = with_file(config->traps, *more);
  if (!traps) return std::unexpected(std::move(traps).error());
  config->traps = *std::move(traps);
  return config;
}

std::expected<Lines, ConfigError> lines_of(const std::string& file) {
  const auto text = text_of(file);
  if (!text) return std::unexpected(text.error());
  Lines lines;
  auto error = read_toml(*text, file, [&](Section&, const toml::table& table) { gather(table, "", lines); });
  if (error) return std::unexpected(std::move(*error));
  return lines;
}

std::expected<Policy, ConfigError> load_policy(const std::string& file, const Policy& present) {
  const auto text = text_of(file, FileUse::policy);
  if (!text) return std::unexpected(text.error());
  Config config = defaults(file);
  config.policy = present;
  auto error = read_toml(*text, file, [&](Section& top, const toml::table& table) {
    if (!table.contains("policy") && !table.contains("zone")) {
      top.complain("policy", "is missing; write [policy] and the keys to try, or name a whole config");
    } else if (table.size() > 1 || !table.contains("policy")) {
      read_file(top, config);
    } else {
      top.section("policy", [&](Section& section) { read_policy(section, config.policy); });
      top.finish();
    }
  });
  if (error) return std::unexpected(std::move(*error));
  return config.policy;
}

std::vector<PolicyDifference> differences(const Policy& one, const Policy& other) {
  const auto written = [](const Policy& policy) {
    Config config;
    config.policy = policy;
    return settings_of(config);
  };
  const auto here = written(one);
  const auto there = written(other);
  std::vector<PolicyDifference> found;
  for (std::size_t i = 0; i < here.size(); ++i) {
    if (here[i].value == there[i].value) continue;
    found.push_back({.key = here[i].name(), .one = here[i].value, .other = there[i].value});
  }
  return found;
}

}  // namespace blowback::config
