// Turns listings, which may overlap and have exemptions in them, into networks that don't overlap, for other programs.
//
// No two pieces overlap, none contains an exempt address, and each has all codes of its addresses. So an export format without
// exemptions and overlap (DNS wildcards, a firewall's set) still agrees with our own server.
#pragma once

#include "blowback/kind.h"
#include "blowback/prefix.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace blowback::cli {

struct Piece {
  Prefix prefix;
  CodeSet codes;  ///< as input: empty means exempt. As output: never empty
};

/// Where a network is split.
enum class Split : std::uint8_t {
  where_codes_differ,  ///< an exemption or a listing with further codes lies within it
  at_every_listing,  ///< an exemption or a listing lies within it, whatever its codes: the zone's names (blowback/wildcard.h)
};

/// Calls `visit` with the resulting pieces, IPv4 first, in ascending order. An IPv6 network doesn't cover the IPv4-mapped addresses (::ffff:0:0/96), as in our
/// answers. At most 128 pieces for each input. Pure.
void for_each_piece(std::vector<Piece> input, Split split, const std::function<void(const Piece&)>& visit);

}  // namespace blowback::cli
