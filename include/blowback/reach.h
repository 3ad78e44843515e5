// How far a decision about networks reaches, and which one reaches so far that its author has to confirm it.
//
// One wrong digit, or a blocklist file with 0.0.0.0/8 in it, would list, exempt or delist a large part of the Internet. Such a
// decision needs a permission: the tool takes `--wide` for it, the store refuses without it, and both ask `reach_of`.
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
  Number128 ipv6 = 0;  ///< the greatest number stands for all 2^128, which has no room
};

/// `4,294,967,296 IPv4 addresses`, `1 IPv4 address and 65,536 IPv6 addresses`.
[[nodiscard]] std::string to_string(const AddressCount& count);

/// Each counted once, whatever overlaps. Pure. Sorted networks are counted where they are, others are copied first.
[[nodiscard]] AddressCount addresses_in(std::span<const Prefix> networks);

/// A network of this length or longer is narrow: /16 in IPv4, /32 in IPv6, which is what a provider gets.
[[nodiscard]] constexpr int shortest_narrow(Family family) { return family == Family::ipv4 ? 16 : 32; }

/// What one decision may reach without permission, by family: IPv4 addresses, or IPv6 networks of /48, the usual size of one
/// site (RFC 6177). It is 64 of the widest narrow networks, in either family.
inline constexpr std::uint64_t kMostSites = 4'194'304;

enum class Breadth : std::uint8_t {
  narrow,
  special_use,  ///< a network is special-use space or contains some
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

/// What makes it more than narrow, as a clause for a person: `0.0.0.0/0 is wider than /16`. Requires that it isn't narrow.
[[nodiscard]] std::string in_words(const Reach& reach);

/// How far the author of a decision means it to reach.
enum class Permission : std::uint8_t {
  narrow_only,
  wide,  ///< as far as it goes
};

}  // namespace blowback
