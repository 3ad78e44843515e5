#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace blowback::config {
namespace {

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

}  // namespace

void read_zone(Section& section, Zone& zone) {
  section.text("name", zone.name);
  if (section.is_good("name")) {
    auto name = dns_name(zone.name, 255 - kNibbleOctets);
    if (name) {
      zone.name = *std::move(name);
    } else {
      const bool too_long = wire_length(zone.name) > 255 - kNibbleOctets && dns_name(zone.name);
      section.complain("name",
                       too_long ? fmt::format("{} (the 32 labels of an IPv6 address come before it)", name.error().text)
                                : name.error().text);
    }
  } else if (!section.has("name")) {
    section.complain("name", "is missing, and has no default; write name = \"bl.example.org\" in [zone]");
  }

  std::vector<Nameserver> nameservers{{.name = "ns." + zone.name, .addresses = {}}};
  parsed_texts(section, "nameservers", nameservers,
               [&](const std::string& text) { return nameserver(text, zone.name); });
  if (section.is_good("nameservers") && nameservers.empty()) {
    section.complain("nameservers",
                     "is empty; name at least one, or omit the key for the default, ns. and the zone's name");
  }
  for (const auto& [name, addresses] : nameservers) {
    zone.nameservers.push_back(name);
    for (const auto& address : addresses) zone.nameserver_addresses.push_back({.name = name, .address = address});
  }

  read_hosts(section, zone);

  zone.hostmaster = "hostmaster@" + zone.name;
  section.text("hostmaster", zone.hostmaster);
  if (section.is_good("hostmaster")) {
    // The local part keeps its case, since it is a mailbox.
    if (auto address = mail_address(zone.hostmaster); !address) section.complain("hostmaster", address.error().text);
  }

  section.duration("ttl", zone.ttl, Duration{0}, std::chrono::weeks{1});
  section.duration("negative_ttl", zone.negative_ttl, Duration{0}, std::chrono::days{1});

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

}  // namespace blowback::config
