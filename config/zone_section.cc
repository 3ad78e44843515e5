#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::config {
namespace {

/// A name next to that of the zone `outer`, for one that lies in it: of dsn.bl.example.org `dsn-bl.example.org`.
[[nodiscard]] std::string beside(std::string_view inner, std::string_view outer) {
  const auto label = inner.substr(0, inner.size() - outer.size() - 1);
  return fmt::format("{}-{}", label.substr(label.rfind('.') + 1), outer);
}

/// Names of codes; absent or empty: all.
void read_codes(Section& section, CodeSet& codes) {
  std::vector<Code> chosen;
  parsed_texts(section, "codes", chosen, [](const std::string& text) -> std::expected<Code, NameError> {
    if (const auto code = code_named(text)) return *code;
    std::vector<std::string_view> names;
    for (const auto code : kAllCodes) names.push_back(name_of(code));
    return std::unexpected(NameError{fmt::format("is none of \"{}\"; write one of them", fmt::join(names, "\", \""))});
  });
  if (chosen.empty()) return;
  codes = {};
  for (const auto code : chosen) codes |= code;
}

/// Requires that the name servers were read.
void read_hosts(Section& section, Zone& zone) {
  std::vector<std::string> texts;
  section.texts("hosts", texts);
  if (!section.is_good("hosts")) return;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto read = host(texts[i], zone.name);
    if (!read) {
      section.complain("hosts", i, read.error().text);
      continue;
    }
    if (std::ranges::find(zone.nameservers, read->name) != zone.nameservers.end()) {
      section.complain("hosts", i,
                       fmt::format("{} is a name server of the zone; write its addresses after its name in nameservers",
                                   read->name));
      continue;
    }
    for (const auto& address : read->addresses) {
      HostAddress added{.name = read->name, .address = address};
      if (std::ranges::find(zone.hosts, added) == zone.hosts.end()) {
        zone.hosts.push_back(std::move(added));
      } else {
        section.complain("hosts", i,
                         fmt::format("gives {} the address {} twice; remove one", read->name, address.to_string()));
      }
    }
  }
}

/// False: there is no such name, and the finding says so.
bool read_name(Section& section, Zone& zone) {
  section.text("name", zone.name);
  if (!section.has("name")) {
    section.complain("name", "is missing, and has no default; write name = \"bl.example.org\" in [zone]");
    return false;
  }
  if (!section.is_good("name")) return false;
  auto name = dns_name(zone.name, 255 - kNibbleOctets);
  if (name) {
    zone.name = *std::move(name);
    return true;
  }
  const bool too_long = wire_length(zone.name) > 255 - kNibbleOctets && dns_name(zone.name);
  section.complain("name", too_long
                               ? fmt::format("{} (the 32 labels of an IPv6 address come before it)", name.error().text)
                               : name.error().text);
  return false;
}

/// Requires that `zone` has the default of each key but `name`, which was read.
void read_rest(Section& section, Zone& zone) {
  std::vector<Nameserver> nameservers;
  parsed_texts(section, "nameservers", nameservers,
               [&](const std::string& text) { return nameserver(text, zone.name); });
  if (section.is_good("nameservers") && nameservers.empty()) {
    section.complain("nameservers", "is empty; name at least one, or omit the key for the default");
  }
  if (!nameservers.empty()) zone.nameservers.clear();
  for (const auto& [name, addresses] : nameservers) {
    zone.nameservers.push_back(name);
    for (const auto& address : addresses) zone.nameserver_addresses.push_back({.name = name, .address = address});
  }

  read_hosts(section, zone);

  section.text("hostmaster", zone.hostmaster);
  if (section.is_good("hostmaster")) {
    // The local part keeps its case, since it is a mailbox.
    if (auto address = mail_address(zone.hostmaster); !address) section.complain("hostmaster", address.error().text);
  }

  section.duration("ttl", zone.ttl, Duration{0}, std::chrono::weeks{1});
  section.duration("negative_ttl", zone.negative_ttl, Duration{0}, std::chrono::days{1});

  section.text("txt", zone.txt);
  if (section.is_good("txt")) {
    if (auto checked = check_txt(zone.txt); !checked) section.complain("txt", checked.error().text);
  } else if (!section.has("txt") && section.is_good("name")) {
    // A long zone name can make the default too long.
    if (auto checked = check_txt(zone.txt); !checked) {
      section.complain("txt", fmt::format("its default {}; write a txt of your own in [zone]", checked.error().text));
    }
  }

  read_codes(section, zone.codes);
}

}  // namespace

void read_zone(Section& section, Zone& zone) {
  read_name(section, zone);
  zone.nameservers = {"ns." + zone.name};
  zone.hostmaster = "hostmaster@" + zone.name;
  zone.txt = fmt::format("Backscatter from {{ip}}, see https://{}/{{ip}}", zone.name);
  read_rest(section, zone);
}

void read_further_zone(Section& section, Config& config) {
  Zone zone;
  if (read_name(section, zone)) {
    for (const auto& other : config.zones()) {
      if (zone.name == other.name) {
        section.complain("name", "is also the name of an earlier zone; give each zone another name");
      } else if (lies_in(zone.name, other.name) || lies_in(other.name, zone.name)) {
        const auto& [inner, outer] =
            lies_in(zone.name, other.name) ? std::pair(zone.name, other.name) : std::pair(other.name, zone.name);
        section.complain("name",
                         fmt::format("{} lies in the zone {}, and no zone may lie in another; choose names beside "
                                     "each other, for example {}",
                                     inner, outer, beside(inner, outer)));
      }
    }
  }
  zone.nameservers = config.zone.nameservers;
  zone.hostmaster = config.zone.hostmaster;
  zone.ttl = config.zone.ttl;
  zone.negative_ttl = config.zone.negative_ttl;
  zone.txt = config.zone.txt;
  read_rest(section, zone);
  config.further_zones.push_back(std::move(zone));
}

}  // namespace blowback::config
