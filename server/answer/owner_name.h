// What a name in the zone stands for: reversed octets of IPv4 or reversed nibbles of IPv6 (RFC 5782 §2), whole or in part.
//
// It only reads the name. Whether there is anything at it is decide.h.
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

/// Letters, `002`, `256`, too many labels: no name of ours is like that, nor above one.
struct NotAnAddress {};

/// An address, or a name above addresses, which exists if there is anything beneath it (RFC 8020). One name can be
/// several of these: `4.3.2.1` is 1.2.3.4 and stands above 1234::/16; `1` stands above 1.0.0.0/8 and above 1000::/4.
struct AddressName {
  std::optional<IpAddress> address;  ///< four octets or 32 nibbles; of IPv4-mapped nibbles, the IPv4 address
  std::optional<Prefix> octets;      ///< one to three octets: a /8, /16 or /24
  /// One to 31 nibbles: a network of 4 to 124 bits, or, beneath ::ffff:0:0/96, the IPv4 network of 0 to 28 bits.
  std::optional<Prefix> nibbles;
};

using OwnerName = std::variant<Apex, AddressName, NotAnAddress>;

/// `wire`: the labels left of the apex in wire format, each with its length before it, as they stand in the QNAME; empty for
/// the apex. Requires well-formed labels. Pure.
[[nodiscard]] OwnerName owner_name(std::span<const std::uint8_t> wire);

}  // namespace blowback::answer
