// Turns listings, which may overlap and have exemptions in them, into networks that don't overlap, for other programs.
//
// No two pieces overlap, none contains an exempt address, and each has all codes of its addresses. So an export format without
// exemptions and overlap (DNS wildcards, a firewall's set) still agrees with our own server.
#pragma once

#include "blowback/zone_names.h"

#include <functional>
#include <vector>

namespace blowback::cli {

/// Calls `visit` with the resulting pieces, IPv4 first, in ascending order. A network is split if an exemption or a listing with further codes lies
/// within it; the zone splits it at every listing (blowback/zone_names.h). An IPv6 network doesn't cover the IPv4-mapped addresses (::ffff:0:0/96), as in our
/// answers. At most 128 pieces for each input. Pure.
void for_each_piece(std::vector<Piece> input, const std::function<void(const Piece&)>& visit);

}  // namespace blowback::cli
