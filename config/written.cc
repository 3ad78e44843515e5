// Values as TOML, table by table.
#include "config/written.h"

#include "blowback/kind.h"
#include "names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <concepts>
#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

namespace blowback::config {
namespace {

/// A TOML basic string: what it may not hold as it is stands escaped.
[[nodiscard]] std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += fmt::format("\\u{:04X}", octet);
    } else {
      out += c;
    }
  }
  return out + '"';
}

[[nodiscard]] std::string listed(const std::vector<std::string>& texts) {
  std::vector<std::string> elements;
  elements.reserve(texts.size());
  for (const auto& text : texts) elements.push_back(toml_string(text));
  return fmt::format("[{}]", fmt::join(elements, ", "));
}

[[nodiscard]] std::string listed(const std::vector<Prefix>& prefixes) {
  std::vector<std::string> texts;
  texts.reserve(prefixes.size());
  for (const auto& prefix : prefixes) texts.push_back(prefix.to_string());
  return listed(texts);
}

class Writer {
 public:
  explicit Writer(std::string table) : table_(std::move(table)) {}

  void text(std::string key, std::string_view value, std::string note = {}) {
    add(std::move(key), toml_string(value), value.empty() ? std::move(note) : std::string());
  }
  void duration(std::string key, Duration value) { add(std::move(key), toml_string(to_string(value))); }
  void number(std::string key, std::integral auto value) { add(std::move(key), fmt::format("{}", value)); }
  void number(std::string key, double value) { add(std::move(key), fmt::format("{}", value)); }
  void boolean(std::string key, bool value) { add(std::move(key), value ? "true" : "false"); }
  void list(std::string key, const auto& values) { add(std::move(key), listed(values)); }
  void add(std::string key, std::string value, std::string note = {}) {
    settings_.push_back({.table = table_, .key = std::move(key), .value = std::move(value), .note = std::move(note)});
  }

  void move_to(std::vector<Setting>& all) && {
    all.insert(all.end(), std::make_move_iterator(settings_.begin()), std::make_move_iterator(settings_.end()));
  }

 private:
  std::string table_;
  std::vector<Setting> settings_;
};

[[nodiscard]] std::string text_of(const Endpoint& endpoint) {
  const auto address = endpoint.address.to_string();
  if (endpoint.address.family() == Family::ipv4) return fmt::format("{}:{}", address, endpoint.port);
  return fmt::format("[{}]:{}", address, endpoint.port);
}

template <typename... Alternative>
[[nodiscard]] std::string text_of(const std::variant<Alternative...>& place) {
  if (const auto* path = std::get_if<std::string>(&place)) return "unix:" + *path;
  return text_of(std::get<Endpoint>(place));
}

[[nodiscard]] std::string text_of(const Secondary& secondary) {
  const auto at = text_of(secondary.at);
  return secondary.key.empty() ? at : fmt::format("{} key {}", at, secondary.key);
}

[[nodiscard]] std::vector<std::string> texts_of(const auto& places) {
  std::vector<std::string> texts;
  for (const auto& place : places) texts.push_back(text_of(place));
  return texts;
}

[[nodiscard]] Writer zone_of(const Zone& zone, std::string table) {
  Writer to(std::move(table));
  to.text("name", zone.name);
  std::vector<std::string> nameservers;
  for (const auto& name : zone.nameservers) {
    auto& text = nameservers.emplace_back(name);
    for (const auto& known : zone.nameserver_addresses) {
      if (known.name == name) text += " " + known.address.to_string();
    }
  }
  to.list("nameservers", nameservers);
  std::vector<std::string> hosts;
  for (const auto& host : zone.hosts) {
    const auto label = host.name.substr(0, host.name.find('.')) + " ";
    const auto same = std::ranges::find_if(hosts, [&](const std::string& text) { return text.starts_with(label); });
    (same == hosts.end() ? hosts.emplace_back(label) : * same += " ") += host.address.to_string();
  }
  to.list("hosts", hosts);
  to.text("hostmaster", zone.hostmaster);
  to.duration("ttl", zone.ttl);
  to.duration("negative_ttl", zone.negative_ttl);
  to.text("txt", zone.txt);
  std::vector<std::string> codes;
  for (const auto code : kAllCodes) {
    if (zone.codes.has(code)) codes.emplace_back(name_of(code));
  }
  to.list("codes", codes);
  return to;
}

[[nodiscard]] Writer server_of(const Server& server) {
  Writer to("server");
  to.list("listen", texts_of(server.listen));
  to.number("workers", server.workers);
  to.text("nsid", server.nsid);
  to.duration("stale_after", server.stale_after);
  to.number("tcp_connections", server.tcp_connections);
  to.duration("tcp_idle", server.tcp_idle);
  to.list("allow", server.allow);
  to.boolean("cookies", server.cookies);
  // Whoever has one can make cookies that we accept.
  to.add("cookie_secrets", listed(std::vector<std::string>(server.cookie_secrets.size(), "…")),
         server.cookie_secrets.empty() ? "" : "set, and not shown");
  to.text("status_socket", server.status_socket);
  to.text("user", server.user);
  to.boolean("sandbox", server.sandbox);
  return to;
}

[[nodiscard]] Writer rate_limit_of(const RateLimit& limit) {
  Writer to("server.rate_limit");
  to.number("responses", limit.responses);
  to.number("slip", limit.slip);
  to.number("ipv4_prefix", limit.ipv4_prefix);
  to.number("ipv6_prefix", limit.ipv6_prefix);
  to.number("table", limit.table);
  to.list("exempt", limit.exempt);
  return to;
}

[[nodiscard]] Writer key_of(const Key& key, std::size_t index) {
  Writer to(fmt::format("transfer.key.{}", index));
  to.text("name", key.name);
  to.text("algorithm", kTsigAlgorithms.at(static_cast<std::size_t>(key.algorithm)));
  to.text("secret_file", key.secret_file);
  return to;
}

[[nodiscard]] Writer transfer_of(const Transfer& transfer) {
  Writer to("transfer");
  to.list("allow", transfer.allow);
  to.list("notify", texts_of(transfer.notify));
  to.list("tls", texts_of(transfer.tls.listen));
  to.text("tls_certificate", transfer.tls.certificate);
  to.text("tls_key", transfer.tls.key);
  to.text("tls_clients", transfer.tls.clients);
  to.number("history", transfer.history);
  to.number("connections", transfer.connections);
  to.duration("time", transfer.time);
  return to;
}

[[nodiscard]] Writer traps_of(const Traps& traps) {
  Writer to("traps");
  std::vector<std::string> domains = traps.domains;
  for (auto& domain : domains) {
    if (std::ranges::find(traps.with_subdomains, domain) != traps.with_subdomains.end()) domain.insert(0, "*.");
  }
  to.list("domains", domains);
  to.text("file", traps.file);
  to.list("addresses", traps.addresses);
  return to;
}

void write_listener(Writer& to, const Feed& feed) {
  const auto& listener = feed.listener;
  to.list("listen", places_of(feed));
  to.number("connections", listener.connections);
  to.number("message_size", listener.message_size);
  if (feed.type == FeedType::milter) {
    to.boolean("callouts", listener.callouts);
    return;
  }
  to.text("hostname", listener.hostname, "the system's");
  to.text("certificate", listener.certificate);
  to.text("key", listener.key);
  to.boolean("proxy_protocol", listener.proxy_protocol);
  to.boolean("hide_traps", listener.hide_traps);
  to.number("connections_per_client", listener.connections_per_client);
  to.duration("command_time", listener.command_time);
  to.duration("data_time", listener.data_time);
}

[[nodiscard]] Writer feed_of(const Feed& feed, std::size_t index) {
  Writer to(fmt::format("feed.{}", index));
  to.text("type", name_of(feed.type));
  to.text("name", feed.name);
  if (!feed.has_listener() && feed.type != FeedType::standard_input) to.text("path", feed.path);
  to.list("trusted_relays", feed.trusted_relays);
  if (feed.type == FeedType::maildir) to.text("after", feed.remove ? "remove" : "cur");
  if (feed.type == FeedType::mbox) to.text("quoting", kQuotings.at(static_cast<std::size_t>(feed.quoting)));
  if (feed.has_listener()) write_listener(to, feed);
  return to;
}

[[nodiscard]] Writer web_of(const Web& web) {
  Writer to("web");
  to.text("listen", text_of(web.listen));
  to.list("proxies", web.proxies);
  to.text("url", web.url);
  to.text("contact", web.contact);
  to.text("templates", web.templates, "those that are installed");
  to.text("user", web.user);
  to.boolean("sandbox", web.sandbox);
  to.number("connections", web.connections);
  to.number("connections_per_client", web.connections_per_client);
  to.duration("time", web.time);
  to.number("requests", web.requests);
  return to;
}

[[nodiscard]] Writer policy_of(const Policy& policy) {
  Writer to("policy");
  to.duration("half_life", policy.half_life);
  to.number("list_at", policy.list_at);
  to.number("delist_below", policy.delist_below);
  to.number("distinct_traps", policy.distinct_traps);
  to.number("distinct_campaigns", policy.distinct_campaigns);
  to.number("trap_cap", policy.trap_cap);
  to.number("campaign_cap", policy.campaign_cap);
  to.number("origin_cap", policy.origin_cap);
  to.number("mailbox_cap", policy.mailbox_cap);
  to.number("unknown_origin", policy.unknown_origin);
  to.text("reverse_path", kReversePaths.at(policy.any_reverse_path ? 1 : 0));
  to.duration("max_listing", policy.max_listing);
  to.number("repeat_factor", policy.repeat_factor);
  to.boolean("allow_documentation", policy.allow_documentation);
  return to;
}

}  // namespace

std::vector<std::string> places_of(const Feed& feed) { return texts_of(feed.listener.listen); }

std::vector<Setting> settings_of(const Config& config) {
  std::vector<Setting> all;
  Writer top("");
  top.text("database", config.database);
  std::move(top).move_to(all);
  const auto zones = config.zones();
  for (std::size_t i = 0; i < zones.size(); ++i)
    zone_of(zones[i], zones.size() == 1 ? "zone" : fmt::format("zone.{}", i)).move_to(all);
  server_of(config.server).move_to(all);
  rate_limit_of(config.server.rate_limit).move_to(all);
  const auto& transfer = config.server.transfer;
  transfer_of(transfer).move_to(all);
  for (std::size_t i = 0; i < transfer.keys.size(); ++i) key_of(transfer.keys[i], i).move_to(all);
  traps_of(config.traps).move_to(all);
  for (std::size_t i = 0; i < config.feeds.size(); ++i) feed_of(config.feeds[i], i).move_to(all);
  policy_of(config.policy).move_to(all);
  Writer weights("policy.weights");
  for (std::size_t i = 0; i < config.policy.weights.size(); ++i) {
    weights.number(std::string(name_of(static_cast<Kind>(i))), config.policy.weights.at(i));
  }
  std::move(weights).move_to(all);
  Writer removal("removal");
  removal.boolean("enabled", config.removal.rules.enabled);
  removal.text("mail", config.removal.mail);
  removal.boolean("by_operator", config.removal.rules.by_operator);
  removal.duration("wait", config.removal.rules.wait);
  std::move(removal).move_to(all);
  Writer log("log");
  log.text("format", kLogFormats.at(static_cast<std::size_t>(config.log.format)));
  log.text("level", kLogLevels.at(static_cast<std::size_t>(config.log.level)));
  std::move(log).move_to(all);
  Writer ingest("ingest");
  ingest.number("judges", config.ingest.judges);
  std::move(ingest).move_to(all);
  Writer detect("detect");
  detect.list("signatures", config.detect.signatures);
  std::move(detect).move_to(all);
  const Retention& kept = config.retention;
  Writer retention("retention");
  retention.duration("evidence", kept.evidence);
  retention.duration("incidents", kept.incidents);
  retention.duration("quarantine", kept.quarantine);
  retention.text("quarantine_size", fmt::format("{}MB", kept.quarantine_octets / 1'000'000));
  retention.duration("journal", kept.journal);
  retention.duration("removals", kept.removals);
  retention.duration("maildir", config.maildir_kept);
  retention.text("max_disk", kept.max_disk ? fmt::format("{}MB", *kept.max_disk / 1'000'000) : "", "no limit");
  std::move(retention).move_to(all);
  Writer metrics("metrics");
  metrics.text("server", config.metrics.server ? text_of(*config.metrics.server) : "");
  metrics.text("ingest", config.metrics.ingest ? text_of(*config.metrics.ingest) : "");
  std::move(metrics).move_to(all);
  web_of(config.web).move_to(all);
  return all;
}

}  // namespace blowback::config
