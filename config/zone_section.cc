#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

namespace blowback::config {

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
