// The zone as a master file (RFC 1035 §5) for BIND, NSD, Knot DNS and others.
//
// It is the zone that our server answers from, name by name. A network is a wildcard (RFC 4592) if that can't answer for names of the other family
// (blowback/wildcard.h); if not, the names of one more label are written, down to single addresses: at most 256 for a /24, some 28,000 for a /8. A
// wildcard also answers for names that are no address (`x.2.0.192.…`); so does our server.
#include "blowback/soa_times.h"
#include "blowback/zone_names.h"
#include "export/formats.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

namespace blowback::cli {
namespace {

/// A character string of a master file: quotes and backslashes are escaped (RFC 1035 §5.1).
[[nodiscard]] std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// The local part is one label, in which all but letters, digits, - and _ is escaped (RFC 1035 §8).
[[nodiscard]] std::string rname_of(std::string_view mailbox) {
  const auto at = mailbox.rfind('@');
  std::string name;
  for (const char c : mailbox.substr(0, at)) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!is_plain) name += '\\';
    name += c;
  }
  return name + '.' + std::string(mailbox.substr(at + 1)) + '.';
}

/// Without the zone's name.
[[nodiscard]] std::string owner_of(const ZoneName& name) {
  std::string owner = name.is_wildcard() ? "*." : "";
  for (auto place = name.labels(); place-- > 0;) {
    owner += name.has_nibbles() ? fmt::format("{:x}", name.label(place)) : fmt::format("{}", name.label(place));
    if (place > 0) owner += '.';
  }
  return owner;
}

void write_name(std::FILE* out, const config::Zone& zone, const ZoneName& name) {
  const auto owner = owner_of(name);
  for (const Code code : kAllCodes) {
    if (name.codes.has(code)) fmt::print(out, "{}\tA\t127.0.0.{}\n", owner, octet_of(code));
  }
  fmt::print(out, "{}\tTXT\t{}\n", owner, in_quotes(txt_for(zone, name.subject)));
}

}  // namespace

void write_zone(std::FILE* out, const Exported& list) {
  const auto& zone = list.zone;
  fmt::print(out, "; {}, serial {}, {}\n$ORIGIN {}.\n$TTL {}\n", zone.name, list.serial, to_iso8601(list.now),
             zone.name, zone.ttl.count());
  fmt::print(out, "@\tSOA\t{}. {} {} {} {} {} {}\n", zone.nameservers.front(), rname_of(zone.hostmaster),
             static_cast<std::uint32_t>(list.serial), kSoaRefresh, kSoaRetry, kSoaExpire, zone.negative_ttl.count());
  for (const auto& nameserver : zone.nameservers) fmt::print(out, "@\t{}\tNS\t{}.\n", kNameserverTtl, nameserver);
  for (const auto* const hosts : {&zone.nameserver_addresses, &zone.hosts}) {
    for (const auto& [name, address] : *hosts) {
      fmt::print(out, "{}.\t{}\t{}\t{}\n", name, kNameserverTtl, address.family() == Family::ipv4 ? "A" : "AAAA",
                 address.to_string());
    }
  }
  std::size_t read = 0;
  ZoneNames names([&] { return read < list.pieces.size() ? std::optional(list.pieces[read++]) : std::nullopt; },
                  zone.codes);
  while (const auto name = names.next()) write_name(out, zone, *name);
}

}  // namespace blowback::cli
