// The zone as a master file (RFC 1035 §5) for BIND, NSD, Knot DNS and others.
//
// A network becomes a wildcard (RFC 4592) where that is safe, else each name in it is written. A wildcard is safe if no other name
// is beneath its parent, of either family. For names of the same family that holds, since pieces don't overlap and a wildcard
// stands for a whole octet or nibble. For the other family it doesn't: IPv6 names consist of nibbles, so `*.1.0.2`, meant for
// 2.0.1.0/24, would also answer for all of 2010::/12. Therefore
//   - an IPv4 wildcard has at least one label of two digits or more, which no IPv6 name has; other networks are written out, at
//     most 256 addresses for a /24, some 28,000 names for a /8;
//   - an IPv6 wildcard has at least five nibbles. No IPv4 name (four labels) can be beneath it, which would keep the wildcard from
//     being used (RFC 4592 §3.3.1).
// A wildcard also answers for names that are no address (`x.2.0.192.…`), where our own server answers NXDOMAIN. Nobody asks for
// such names.
#include "codes.h"
#include "export/formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace blowback::cli {
namespace {

/// The timers of our own server's SOA.
constexpr int kRefresh = 600;
constexpr int kRetry = 120;
constexpr int kExpire = 604800;

constexpr int kLeastNibbles = 5;

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
    if (piece.prefix.family() == Family::ipv4) {
      write_v4(piece.prefix.first().v4(), piece.prefix.length(), piece.codes);
    } else {
      write_v6(piece.prefix, piece.codes);
    }
  }

  void write(const std::string& owner, const Prefix& prefix, CodeSet codes) {
    for (const Code code : kAllCodes) {
      if (codes.has(code)) fmt::print(out_, "{}\tA\t127.0.0.{}\n", owner, octet_of(code));
    }
    fmt::print(out_, "{}\tTXT\t{}\n", owner, in_quotes(txt_for(zone_, prefix)));
  }

 private:
  void write_v4(std::uint32_t first, int length, CodeSet codes) {  // NOLINT(misc-no-recursion): four levels
    const int border = std::max(8, (length + 7) / 8 * 8);
    if (length == border) {
      std::string labels;
      bool looks_like_nibbles = true;
      for (int octet = 0; octet < border / 8; ++octet) {
        const auto value = first >> (24U - 8U * static_cast<unsigned>(octet)) & 255U;
        labels = fmt::format("{}{}{}", value, octet == 0 ? "" : ".", labels);
        looks_like_nibbles &= value < 10;
      }
      const auto prefix = Prefix::covering(IpAddress::from_v4(first), border);
      if (border == 32) {
        write(labels, prefix, codes);
        return;
      }
      if (!looks_like_nibbles) {
        write("*." + labels, prefix, codes);
        return;
      }
    }
    const int narrower = length == border ? border + 8 : border;
    const auto step = 1ULL << static_cast<unsigned>(32 - narrower);
    const auto end = first + (1ULL << static_cast<unsigned>(32 - length));
    for (std::uint64_t at = first; at < end; at += step) write_v4(static_cast<std::uint32_t>(at), narrower, codes);
  }

  void write_v6(const Prefix& prefix, CodeSet codes) {
    const int nibbles = std::max(kLeastNibbles, (prefix.length() + 3) / 4);
    const auto count = 1U << static_cast<unsigned>(nibbles * 4 - prefix.length());
    for (unsigned i = 0; i < count; ++i) {
      auto octets = prefix.first().octets();
      for (int n = nibbles - 1, rest = static_cast<int>(i); rest != 0; --n, rest >>= 4) {
        const auto at = static_cast<std::size_t>(n / 2);
        octets[at] =
            static_cast<std::uint8_t>(octets[at] | ((static_cast<unsigned>(rest) & 15U) << (n % 2 == 0 ? 4U : 0U)));
      }
      const auto part = Prefix::covering(IpAddress::from_octets(octets), nibbles * 4);
      write((nibbles == 32 ? "" : "*.") + nibble_labels(part.first(), nibbles), part, codes);
    }
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
             static_cast<std::uint32_t>(list.serial), kRefresh, kRetry, kExpire, zone.negative_ttl.count());
  for (const auto& nameserver : zone.nameservers) fmt::print(out, "@\tNS\t{}.\n", nameserver);
  for (const auto& [name, address] : zone.nameserver_addresses) {
    fmt::print(out, "{}.\t{}\t{}\n", name, address.family() == Family::ipv4 ? "A" : "AAAA", address.to_string());
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
