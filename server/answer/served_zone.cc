#include "answer/served_zone.h"

#include "answer/wire_format.h"
#include "compiled_answers.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace blowback::answer {
namespace {

[[nodiscard]] bool append_label(WireName& name, std::string_view label) {
  if (label.empty() || label.size() > kLongestLabel) return false;
  name.push_back(static_cast<std::uint8_t>(label.size()));
  name.insert(name.end(), label.begin(), label.end());
  return true;
}

}  // namespace

std::expected<WireName, std::string> wire_name(const std::string& name) {
  WireName wire;
  std::string_view rest = name;
  for (bool more = true; more;) {
    const auto dot = rest.find('.');
    more = dot != std::string_view::npos;
    if (!append_label(wire, rest.substr(0, dot))) {
      return std::unexpected("'" + name + "' has a label that is empty or longer than 63 octets");
    }
    if (more) rest.remove_prefix(dot + 1);
  }
  wire.push_back(0);
  if (wire.size() > kLongestName) return std::unexpected("'" + name + "' is longer than 255 octets");
  return wire;
}

std::expected<ServedZone, std::string> ServedZone::of(const config::Zone& zone, const config::Server& server,
                                                      const CookieSecret& random) {
  ServedZone served;
  served.name = zone.name;
  served.codes = zone.codes;
  auto apex = wire_name(zone.name);
  if (!apex) return std::unexpected("zone.name: " + apex.error());
  served.apex = std::move(*apex);
  served.apex_labels = static_cast<std::size_t>(std::count(zone.name.begin(), zone.name.end(), '.')) + 1;

  if (zone.nameservers.empty()) return std::unexpected("zone.nameservers: name at least one");
  for (const auto& nameserver : zone.nameservers) {
    auto wire = wire_name(nameserver);
    if (!wire) return std::unexpected("zone.nameservers: " + wire.error());
    served.nameservers.push_back(std::move(*wire));
  }

  const auto add_host = [&](const config::HostAddress& added) {
    auto wire = wire_name(added.name);
    if (!wire || wire->size() <= served.apex.size()) return false;
    wire->resize(wire->size() - served.apex.size());
    auto host = std::ranges::find(served.hosts, *wire, &ZoneHost::below_apex);
    if (host == served.hosts.end()) host = served.hosts.insert(host, {.below_apex = std::move(*wire), .addresses = {}});
    host->addresses.push_back(added.address);
    return true;
  };
  for (const auto& added : zone.nameserver_addresses) {
    if (!add_host(added)) return std::unexpected("zone.nameservers: '" + added.name + "' isn't in the zone");
  }
  for (const auto& added : zone.hosts) {
    if (!add_host(added)) return std::unexpected("zone.hosts: '" + added.name + "' isn't in the zone");
  }

  const auto at = zone.hostmaster.rfind('@');
  if (at == std::string::npos) return std::unexpected("zone.hostmaster: '" + zone.hostmaster + "' has no @");
  const auto domain = wire_name(zone.hostmaster.substr(at + 1));
  if (!domain) return std::unexpected("zone.hostmaster: " + domain.error());
  if (!append_label(served.hostmaster, std::string_view(zone.hostmaster).substr(0, at))) {
    return std::unexpected("zone.hostmaster: the part before the @ is empty or longer than 63 octets");
  }
  served.hostmaster.insert(served.hostmaster.end(), domain->begin(), domain->end());
  if (served.hostmaster.size() > kLongestName) {
    return std::unexpected("zone.hostmaster: '" + zone.hostmaster + "' is longer than a name can be");
  }

  served.ttl = static_cast<std::uint32_t>(zone.ttl.count());
  served.negative_ttl = static_cast<std::uint32_t>(zone.negative_ttl.count());
  served.txt = zone.txt;
  served.nsid = server.nsid;
  served.keepalive = static_cast<std::uint16_t>(std::min<std::int64_t>(server.tcp_idle.count() * 10, 0xffff));
  served.access = AccessList(server.allow);
  served.transfer = PrefixSet(server.transfer.allow);
  for (const auto& key : server.transfer.keys) {
    auto name = wire_name(key.name);
    if (!name) return std::unexpected("transfer.key: " + name.error());
    served.keys.push_back({.name = std::move(*name), .algorithm = key.algorithm, .secret = key.secret});
  }
  if (server.cookies) served.cookies = CookieSecrets::of(server, random);
  served.compiled = std::make_shared<const CompiledAnswers>(served);
  return served;
}

std::string ServedZone::txt_for(const Prefix& subject) const {
  constexpr std::string_view kPlace = "{ip}";
  const auto ip = subject.to_string();
  std::string text = txt;
  for (auto at = text.find(kPlace); at != std::string::npos; at = text.find(kPlace, at + ip.size())) {
    text.replace(at, kPlace.size(), ip);
  }
  if (text.size() > kLongestString) text.resize(kLongestString);
  return text;
}

std::size_t ServedZone::txt_to(const Prefix& subject, std::span<std::uint8_t, 255> out) const {
  return compiled->write_text(subject, out);
}

std::expected<ServedZones, std::string> ServedZones::of(std::span<const config::Zone> zones,
                                                        const config::Server& server, const CookieSecret& random) {
  ServedZones served;
  for (const auto& zone : zones) {
    auto one = ServedZone::of(zone, server, random);
    if (!one) return std::unexpected(std::move(one).error());
    served.all.push_back(std::move(*one));
  }
  return served;
}

}  // namespace blowback::answer
