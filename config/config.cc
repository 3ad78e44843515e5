#include "config/config.h"

#include "config/written.h"
#include "file_text.h"
#include "names.h"
#include "sections.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <functional>
#include <thread>
#include <utility>

namespace blowback::config {
namespace {

/// To tell the operator where a misplaced key belongs.
constexpr auto kAllKeys = std::to_array<std::string_view>({"database",
                                                           "zone.name",
                                                           "zone.nameservers",
                                                           "zone.hosts",
                                                           "zone.hostmaster",
                                                           "zone.ttl",
                                                           "zone.negative_ttl",
                                                           "zone.txt",
                                                           "zone.codes",
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
                                                           "transfer.key.name",
                                                           "transfer.key.algorithm",
                                                           "transfer.key.secret_file",
                                                           "transfer.allow",
                                                           "transfer.notify",
                                                           "transfer.tls",
                                                           "transfer.tls_certificate",
                                                           "transfer.tls_key",
                                                           "transfer.tls_clients",
                                                           "transfer.history",
                                                           "transfer.connections",
                                                           "transfer.time",
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
                                                           "detect.signatures",
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
                                                           "removal.enabled",
                                                           "removal.mail",
                                                           "removal.by_operator",
                                                           "removal.wait",
                                                           "log.format",
                                                           "log.level",
                                                           "metrics.server",
                                                           "metrics.ingest",
                                                           "web.listen",
                                                           "web.proxies",
                                                           "web.url",
                                                           "web.contact",
                                                           "web.templates",
                                                           "web.user",
                                                           "web.sandbox",
                                                           "web.connections",
                                                           "web.connections_per_client",
                                                           "web.time",
                                                           "web.requests",
                                                           "retention.evidence",
                                                           "retention.incidents",
                                                           "retention.quarantine",
                                                           "retention.quarantine_size",
                                                           "retention.journal",
                                                           "retention.removals",
                                                           "retention.maildir",
                                                           "retention.max_disk"});

/// `[zone]`, or `[[zone]]` once or more.
void read_zones(Section& top, Config& config) {
  if (!top.has_sections("zone")) {
    top.section("zone", [&](Section& section) { read_zone(section, config.zone); });
    return;
  }
  bool is_first = true;
  top.sections("zone", [&](Section& section) {
    if (std::exchange(is_first, false)) {
      read_zone(section, config.zone);
    } else {
      read_further_zone(section, config);
    }
  });
  if (config.further_zones.size() >= kMostZones)
    top.complain("zone", fmt::format("stands there {} times; there can be {} zones at most",
                                     config.further_zones.size() + 1, kMostZones));
}

void read_file(Section& top, Config& config) {
  top.text("database", config.database);
  if (top.is_good("database") && (config.database.empty() || config.database.find('\0') != std::string::npos)) {
    top.complain("database", "is no path; name the file of the database");
  }
  if (!top.has("zone")) {
    top.complain("zone.name", "is missing, and has no default; write [zone] and name = \"bl.example.org\"");
  }
  read_zones(top, config);
  config.server.status_socket = config.database + ".server";
  top.section("server", [&](Section& section) { read_server(section, config.server, config.database); });
  top.section("transfer",
              [&](Section& section) { read_transfer(section, config.server.transfer, config.server.listen); });
  top.section("traps", [&](Section& section) { read_traps(section, config.traps); });
  top.sections("feed", [&](Section& section) { read_feed(section, config.feeds); });
  top.section("ingest", [&](Section& section) { section.integer("judges", config.ingest.judges, 1, 64); });
  top.section("detect", [&](Section& section) { read_detect(section, config.detect); });
  top.section("policy", [&](Section& section) { read_policy(section, config.policy); });
  top.section("log", [&](Section& section) { read_log(section, config.log); });
  top.section("metrics", [&](Section& section) { read_metrics(section, config.metrics); });
  config.web.url = "https://" + config.zone.name;
  config.web.contact = config.zone.hostmaster;
  top.section("web", [&](Section& section) { read_web(section, config.web); });
  top.section("retention", [&](Section& section) { read_retention(section, config); });
  config.removal.rules.remembered = config.retention.removals;
  top.section("removal", [&](Section& section) { read_removal(section, config); });
  top.finish();
}

[[nodiscard]] std::string message_of(Findings findings, const std::string& name) {
  std::ranges::stable_sort(findings, {}, &Finding::line);
  std::string text;
  for (const Finding& finding : findings) {
    if (!text.empty()) text += '\n';
    text += finding.line == 0 ? fmt::format("config: {}: {}", name, finding.text)
                              : fmt::format("config: {}:{}: {}", name, finding.line, finding.text);
  }
  return text;
}

/// Parses `toml`, passes its top table to `read`, and collects the errors.
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
  return ConfigError{message_of(std::move(findings), name)};
}

Config defaults(const std::string& name) {
  Config config;
  config.file = name;
  config.server.listen = {*endpoint("127.0.0.1:5300"), *endpoint("[::1]:5300")};
  config.server.rate_limit.exempt = {*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1/128")};
  config.web.listen = *endpoint("127.0.0.1:8053");
  config.web.proxies = {*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1/128")};
  return config;
}

void collect_lines(const toml::table& table, const std::string& prefix, Lines& lines) {
  for (const auto& [key, value] : table) {
    const auto name = prefix + std::string(key.str());
    lines[name] = key.source().begin.line;
    if (const auto* inner = value.as_table()) collect_lines(*inner, name + ".", lines);
    const auto* const array = value.as_array();
    if (array == nullptr || !value.is_array_of_tables()) continue;
    for (std::size_t i = 0; i < array->size(); ++i) {
      const auto& element = *array->get(i)->as_table();
      const auto element_name = fmt::format("{}.{}", name, i);
      lines[element_name] = element.source().begin.line;
      collect_lines(element, element_name + ".", lines);
    }
  }
}

/// Requires that `toml` was parsed without an error before.
[[nodiscard]] Lines lines_in(std::string_view toml, const std::string& name) {
  Lines lines;
  read_toml(toml, name, [&](Section&, const toml::table& table) { collect_lines(table, "", lines); });
  return lines;
}

}  // namespace

std::vector<std::string> without_address(const Zone& zone) {
  std::vector<std::string> names;
  for (const auto& name : zone.nameservers) {
    const auto knows = [&](const HostAddress& known) { return known.name == name; };
    if (lies_in(name, zone.name) && std::ranges::none_of(zone.nameserver_addresses, knows)) names.push_back(name);
  }
  return names;
}

std::vector<Zone> Config::zones() const {
  std::vector<Zone> all{zone};
  all.insert(all.end(), further_zones.begin(), further_zones.end());
  return all;
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
  if (auto clause = objection_to_removal_mail(*config)) {
    const auto line = lines_in(*text, file)["removal.mail"];
    return std::unexpected(ConfigError{
        fmt::format(R"(config: {}:{}: removal.mail = "{}": {})", file, line, config->removal.mail, *clause)});
  }
  return config;
}

std::expected<Lines, ConfigError> lines_of(const std::string& file) {
  const auto text = text_of(file);
  if (!text) return std::unexpected(text.error());
  Lines lines;
  auto error = read_toml(*text, file, [&](Section&, const toml::table& table) { collect_lines(table, "", lines); });
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
      top.complain("policy", "is missing; write [policy] and the keys to try, or name a complete config");
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
