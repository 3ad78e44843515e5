// Parses a name in the zone: reversed octets of IPv4 or reversed nibbles of IPv6 (RFC 5782 §2), complete or a part.
//
// decide.h finds out whether the name exists.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

namespace blowback::answer {

/// The zone's own name.
struct Apex {};

/// An address, or a name above addresses, which exists if there is any name below it (RFC 8020). A name can be several of
/// these: `4.3.2.1` is 1.2.3.4 and above 1234::/16; `1` is above 1.0.0.0/8 and above 1000::/4.
struct AddressName {
  std::optional<IpAddress> address;  ///< four octets, or 32 nibbles of an IPv6 address
  std::optional<Prefix> octets;      ///< one to three octets: a /8, /16 or /24
  /// One to 31 nibbles: a network of 4 to 124 bits. Or 24 to 32 nibbles below ::ffff:0:0/96: an IPv4 network or address. IPv4 listings have no such
  /// names, only the test points do.
  std::optional<Prefix> nibbles;
};

/// Letters, `002`, `256`, too many labels: neither the name of an address nor above one. It may be below one.
struct OtherName {
  /// The labels nearest the apex, as far as they are octets or nibbles.
  struct Beginning {
    Prefix network;
    /// The next label is `*`, and not the last one. So the name is below that of a wildcard itself, if the network has one.
    bool below_asterisk = false;
  };
  std::optional<Beginning> octets;   ///< one to four octets
  std::optional<Beginning> nibbles;  ///< one to 32 nibbles of an IPv6 network or address
};

using OwnerName = std::variant<Apex, AddressName, OtherName>;

/// `wire`: the labels left of the apex in wire format, as in the QNAME; empty for the apex. Requires well-formed labels. Pure.
[[nodiscard]] OwnerName owner_name(std::span<const std::uint8_t> wire);

}  // namespace blowback::answer
