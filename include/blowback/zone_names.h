// The names of the zone, without those at its apex and of its name servers: of test points, listed addresses, and networks as wildcards.
//
// Exported zone files and zone transfers both take them from here, so they have the same records; our server's answers agree with them
// (tests/unit/cli_canonical_zone.cc). One name at a time: the memory doesn't depend on the size of the list.
#pragma once

#include "blowback/kind.h"
#include "blowback/prefix.h"
#include "blowback/test_points.h"
#include "blowback/wildcard.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace blowback {

/// Codes of a network. As what a list says: several may have the same network or overlap, and empty codes mean exempt. As a result: networks don't
/// overlap, and `codes` isn't empty.
struct Piece {
  Prefix prefix;
  CodeSet codes;
};

/// The order in which lists are walked: IPv4 first, then by first address, a network before all networks in it.
[[nodiscard]] bool walked_before(const Prefix& one, const Prefix& other);

/// A name that has A records for its codes, and a TXT record about its subject.
struct ZoneName {
  Prefix subject;               ///< an address, or the network of a wildcard
  CodeSet codes;                ///< not empty
  bool is_mapped_form = false;  ///< of a test point: the name of its IPv4-mapped IPv6 address

  [[nodiscard]] bool is_wildcard() const { return !subject.is_single_address(); }
  /// Whether labels are nibbles, `0` to `f`; otherwise they are octets, `0` to `255`.
  [[nodiscard]] bool has_nibbles() const { return is_mapped_form || subject.family() == Family::ipv6; }
  /// Labels below the apex, without a wildcard's asterisk: at most 32.
  [[nodiscard]] std::size_t labels() const {
    if (is_mapped_form) return 32;
    return static_cast<std::size_t>(subject.length() / bits_of_label(subject.family()));
  }
  /// The label at that place, 0 is the one nearest the apex. Requires `place` < labels().
  [[nodiscard]] unsigned label(std::size_t place) const {
    const auto& octets = subject.first().octets();
    if (!has_nibbles()) return octets[12 + place];
    const unsigned octet = octets[place / 2];
    return place % 2 == 0 ? octet >> 4U : octet & 15U;
  }
};

/// Walks the names of a list: test points (RFC 5782 §5) first, then IPv4, then IPv6, in ascending order.
class ZoneNames {
 public:
  /// What the list says, piece by piece in the order of `walked_before`; absent: that was all.
  using Source = std::function<std::optional<Piece>()>;

  /// `codes`: those that the zone has; the source says nothing of others. What it says of 127.0.0.1 and of test points has no effect.
  explicit ZoneNames(Source source, CodeSet codes = CodeSet::all());

  /// Only the names of addresses and networks in `region`, without test points. The source says what the list says of `region` and of what is in it; a
  /// wider network that covers it is said as `region` itself. Requires that no wider network around `region` has a wildcard.
  ZoneNames(Source source, const Prefix& region);

  /// Absent: that was all. Uses memory in proportion to the length of an address.
  [[nodiscard]] std::optional<ZoneName> next();

 private:
  /// The networks of `labels` labels from one address to another, not all of which were visited.
  struct Parts {
    IpAddress::Octets next;
    IpAddress::Octets last;
    Family family;
    int labels;
    CodeSet codes;
    bool over = false;
  };

  /// Without a region: all names.
  ZoneNames(Source source, std::vector<TestPoint> points, const std::optional<Prefix>& region);

  void advance();
  [[nodiscard]] std::optional<Piece> next_piece();
  void visit_parts_of(const Prefix& network, int labels, CodeSet codes);

  Source source_;
  std::vector<TestPoint> points_;
  std::size_t names_of_points_ = 0;  ///< that were visited, two for each
  std::optional<Piece> said_;        ///< the source's next
  std::vector<Piece>
      never_;  ///< addresses that aren't listed by the source, merged into what it says; the next is the last
  std::optional<Piece> from_source_;
  std::vector<Piece> pending_;  ///< halves of networks that are divided; the next is the last
  std::vector<Parts> parts_;    ///< networks within each other; the innermost is the last
};

}  // namespace blowback
