#include "blowback/wildcard.h"

#include <cassert>
#include <cstdint>

namespace blowback {
namespace {

constexpr std::uint32_t kLoopback = 0x7f000001;
constexpr int kFewestNibbles = 5;

/// Whether one of the octets that the network has has two digits or more, which no nibble has.
[[nodiscard]] bool has_long_octet(const Prefix& network) {
  // The octets behind the network's are zero.
  for (auto rest = network.first().v4(); rest != 0; rest <<= 8U) {
    if (rest >> 24U > 9) return true;
  }
  return false;
}

}  // namespace

bool contains_mapped(const Prefix& network) {
  assert(network.family() == Family::ipv6);
  if (network.first().octets().front() != 0) return false;  // nearly all
  // Prefix::contains has no IPv4 address in an IPv6 network. An IPv6 network contains all mapped addresses or none.
  const auto mapped = IpAddress::from_v4(0).octets();
  return network.first().octets() <= mapped && mapped <= network.last().octets();
}

bool has_wildcard(const Prefix& network) {
  const int length = network.length();
  if (length == 0 || length % bits_of_label(network.family()) != 0 || network.is_single_address()) return false;
  if (network.family() == Family::ipv4) {
    const bool contains_loopback = (network.first().v4() ^ kLoopback) >> static_cast<unsigned>(32 - length) == 0;
    return has_long_octet(network) && !contains_loopback;
  }
  return length >= kFewestNibbles * bits_of_label(Family::ipv6) && !contains_mapped(network);
}

}  // namespace blowback
