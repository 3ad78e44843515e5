// From listings that overlap, with exemptions in them, to networks that don't: what other programs can be given.
//
// No two pieces overlap, none holds an exempt address, and each says all codes that its addresses answer with. So an outlet
// that knows neither exemptions nor overlap (a wildcard, a set of a firewall) agrees with our own server all the same.
#pragma once

#include "blowback/kind.h"
#include "blowback/prefix.h"

#include <functional>
#include <vector>

namespace blowback::cli {

struct Piece {
  Prefix prefix;
  CodeSet codes;  ///< going in: empty is an exemption. Coming out: never empty
};

/// Calls `visit` with the pieces of `laid`, IPv4 first, ascending. What is listed alone comes out as it is; a network is cut
/// only where an exemption or a listing with further codes lies within it. An IPv6 network doesn't reach the mapped IPv4
/// addresses (::ffff:0:0/96), as it doesn't in our answers. At most 128 pieces for each that goes in. Pure.
void for_each_piece(std::vector<Piece> laid, const std::function<void(const Piece&)>& visit);

}  // namespace blowback::cli
