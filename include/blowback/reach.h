// How many addresses a decision affects, and whether these are so many that the operator has to confirm it.
//
// One wrong digit, or a blocklist file with 0.0.0.0/8 in it, would list, exempt or delist a large part of the Internet. Such a
// decision needs a permission: the option `--wide` of the tool. The store refuses it without that; both use `reach_of`.
#pragma once

#include "blowback/prefix.h"

#include <cstdint>
#include <span>
#include <string>

namespace blowback {

/// Addresses by family.
struct AddressCount {
  __extension__ using Number128 = unsigned __int128;

  std::uint64_t ipv4 = 0;
  Number128 ipv6 = 0;  ///< the greatest number stands for 2^128, which doesn't fit
};

/// `4,294,967,296 IPv4 addresses`, `1 IPv4 address and 65,536 IPv6 addresses`.
[[nodiscard]] std::string to_string(const AddressCount& count);

/// Counts each address once, even if networks overlap. Pure. Sorted input is counted in place, other input is copied first.
[[nodiscard]] AddressCount addresses_in(std::span<const Prefix> networks);

/// A network of this length or longer is narrow: /16 in IPv4, /32 in IPv6, the usual allocation of a provider.
[[nodiscard]] constexpr int shortest_narrow(Family family) { return family == Family::ipv4 ? 16 : 32; }

/// The most that one decision may affect without permission, per family: IPv4 addresses, or IPv6 networks of /48, the usual size of a
/// site (RFC 6177). That is 64 of the widest narrow networks in either family.
inline constexpr std::uint64_t kMostSites = 4'194'304;

enum class Breadth : std::uint8_t {
  narrow,
  special_use,  ///< a network is, or contains, special-use space
  wide,         ///< a network is shorter than `shortest_narrow`
  too_many,     ///< no network is wide by itself, but together they have more than `kMostSites`
};

struct Reach {
  Breadth breadth = Breadth::narrow;
  Prefix network;          ///< the first that is `special_use` or `wide`
  AddressCount addresses;  ///< of all networks together
};

/// The rule. Pure. Documentation networks count as ordinary ones.
[[nodiscard]] Reach reach_of(std::span<const Prefix> networks);
[[nodiscard]] inline Reach reach_of(const Prefix& network) { return reach_of({&network, 1}); }

/// The reason, as a clause: `0.0.0.0/0 is wider than /16`. Requires that it isn't narrow.
[[nodiscard]] std::string in_words(const Reach& reach);

/// How far a decision may reach.
enum class Permission : std::uint8_t {
  narrow_only,
  wide,  ///< without limit
};

}  // namespace blowback
