// The zone as a master file (RFC 1035 §5) for BIND, NSD, Knot DNS and others.
//
// It is the zone that our server answers from, name by name. A network is a wildcard (RFC 4592) if that can't answer for names of the other family
// (blowback/wildcard.h); if not, the names of one more label are written, down to single addresses: at most 256 for a /24, some 28,000 for a /8. A
// wildcard also answers for names that are no address (`x.2.0.192.…`); so does our server.
#include "blowback/soa_times.h"
#include "blowback/wildcard.h"
#include "codes.h"
#include "export/formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace blowback::cli {
namespace {

/// Nibble `i` of 32 from the left.
[[nodiscard]] unsigned nibble(const IpAddress& address, int i) {
  const auto octet = address.octets()[static_cast<std::size_t>(i / 2)];
  return i % 2 == 0 ? octet >> 4U : octet & 15U;
}

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

class Names {
 public:
  Names(std::FILE* out, const config::Zone& zone) : out_(out), zone_(zone) {}

  void write(const Piece& piece) {
    const int step = bits_of_label(piece.prefix.family());
    write_parts(piece.prefix, std::max(1, (piece.prefix.length() + step - 1) / step), piece.codes);
  }

  void write(const std::string& owner, const Prefix& prefix, CodeSet codes) {
    for (const Code code : kAllCodes) {
      if (codes.has(code)) fmt::print(out_, "{}\tA\t127.0.0.{}\n", owner, octet_of(code));
    }
    fmt::print(out_, "{}\tTXT\t{}\n", owner, in_quotes(txt_for(zone_, prefix)));
  }

 private:
  /// Writes the networks of `labels` labels in `prefix`, which has as many or fewer.
  void write_parts(const Prefix& prefix, int labels, CodeSet codes) {  // NOLINT(misc-no-recursion): as deep as a name
    const auto family = prefix.family();
    const int length = labels * bits_of_label(family);
    // All but the first are found by counting up the last label and, in wide networks, those before.
    auto octets = prefix.first().octets();
    const auto last = prefix.last().octets();
    for (;;) {
      // The IPv4-mapped addresses are no part of an IPv6 network.
      const auto address = IpAddress::from_octets(octets);
      if (address.family() == family) write_part(Prefix::covering(address, length), labels, codes);
      if (!advance(octets, family == Family::ipv4 ? 96 + length : length) || octets > last) return;
    }
  }

  void write_part(const Prefix& part, int labels, CodeSet codes) {  // NOLINT(misc-no-recursion)
    if (part.is_single_address()) {
      write(labels_of(part.first(), labels), part, codes);
    } else if (has_wildcard(part)) {
      write("*." + labels_of(part.first(), labels), part, codes);
    } else {
      write_parts(part, labels + 1, codes);
    }
  }

  /// To the first address of the next network whose length in the 16 octets is `bits`. False: there is none.
  [[nodiscard]] static bool advance(IpAddress::Octets& octets, int bits) {
    auto at = static_cast<std::size_t>((bits - 1) / 8);
    unsigned step = 1U << static_cast<unsigned>(7 - (bits - 1) % 8);
    for (;; --at, step = 1) {
      const unsigned sum = octets.at(at) + step;
      octets.at(at) = static_cast<std::uint8_t>(sum);
      if (sum <= 255) return true;
      if (at == 0) return false;
    }
  }

  [[nodiscard]] static std::string labels_of(const IpAddress& address, int labels) {
    return address.family() == Family::ipv4 ? octet_labels(address.v4(), labels) : nibble_labels(address, labels);
  }

  [[nodiscard]] static std::string octet_labels(std::uint32_t address, int count) {
    std::string labels;
    for (int i = count - 1; i >= 0; --i)
      labels += fmt::format("{}{}", address >> (24U - 8U * static_cast<unsigned>(i)) & 255U, i == 0 ? "" : ".");
    return labels;
  }

 public:
  [[nodiscard]] static std::string nibble_labels(const IpAddress& address, int nibbles) {
    std::string labels;
    for (int i = nibbles - 1; i >= 0; --i) labels += fmt::format("{:x}{}", nibble(address, i), i == 0 ? "" : ".");
    return labels;
  }

 private:
  std::FILE* out_;
  const config::Zone& zone_;
};

}  // namespace

void write_zone(std::FILE* out, const Exported& list) {
  const auto& zone = list.config.zone;
  fmt::print(out, "; {}, serial {}, {}\n$ORIGIN {}.\n$TTL {}\n", zone.name, list.serial, to_iso8601(list.now),
             zone.name, zone.ttl.count());
  fmt::print(out, "@\tSOA\t{}. {} {} {} {} {} {}\n", zone.nameservers.front(), rname_of(zone.hostmaster),
             static_cast<std::uint32_t>(list.serial), kSoaRefresh, kSoaRetry, kSoaExpire, zone.negative_ttl.count());
  for (const auto& nameserver : zone.nameservers) fmt::print(out, "@\t{}\tNS\t{}.\n", kNameserverTtl, nameserver);
  for (const auto& [name, address] : zone.nameserver_addresses) {
    fmt::print(out, "{}.\t{}\t{}\t{}\n", name, kNameserverTtl, address.family() == Family::ipv4 ? "A" : "AAAA",
               address.to_string());
  }
  Names names(out, zone);
  for (const auto& point : test_points()) {
    const auto prefix = Prefix::of(point.address);
    names.write({.prefix = prefix, .codes = point.code});
    // octets() has IPv4 in its mapped form, which is the other test point.
    names.write(Names::nibble_labels(point.address, 32), prefix, point.code);
  }
  for (const auto& piece : list.pieces) names.write(piece);
}

}  // namespace blowback::cli
