// Which networks the zone can name by a wildcard (RFC 4592). Server and exported zone files agree on it.
//
// Names of IPv4 and IPv6 addresses share one tree, and octets of one digit are nibbles, too: `*.1.0.2`, meant for 2.0.1.0/24, would also answer
// for 2010::/12. So there are wildcards only where no name of the other family can be.
#pragma once

#include "blowback/prefix.h"

namespace blowback {

/// The bits of an address that one label of its name has: 8 for IPv4, 4 for IPv6 (RFC 5782 §2.1, §2.4).
[[nodiscard]] constexpr int bits_of_label(Family family) { return family == Family::ipv4 ? 8 : 4; }

/// Whether the zone names `network` by one wildcard if all of it is listed alike. If not, the networks of one more label are named, down to single
/// addresses. False if
///   - it ends within a label, or is a single address;
///   - IPv4: all its octets have one digit, or it contains 127.0.0.1 (RFC 5782 §5), near which the test points are;
///   - IPv6: it has fewer than five nibbles: an IPv4 name, of four labels, could be below the wildcard's parent, and a name that exists there
///     blocks the wildcard (RFC 4592 §3.3.1); or it contains the IPv4-mapped addresses.
/// If it is true of a network, it is true of all networks in it that end with a label and aren't single addresses. Pure.
[[nodiscard]] bool has_wildcard(const Prefix& network);

/// Whether an IPv6 network contains an IPv4-mapped address (::ffff:0:0/96). Pure. Requires family() == ipv6.
[[nodiscard]] bool contains_mapped(const Prefix& network);

}  // namespace blowback
