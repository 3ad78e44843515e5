#include "test_points.h"

#include <algorithm>
#include <cstdint>

namespace blowback::answer {
namespace {

constexpr std::uint32_t kLoopback = 0x7f000000;

}  // namespace

std::optional<Code> test_point(const IpAddress& address) {
  if (address.family() != Family::ipv4 || (address.v4() & 0xffffff00U) != kLoopback) return std::nullopt;
  const auto octet = address.v4() & 0xffU;
  const auto* const code = std::ranges::find_if(kAllCodes, [&](Code each) { return octet_of(each) == octet; });
  return code == kAllCodes.end() ? std::nullopt : std::optional(*code);
}

bool is_never_listed(const IpAddress& address) {
  return address.family() == Family::ipv4 && address.v4() == (kLoopback | 1U);
}

bool holds_test_point(const Prefix& prefix) {
  if (prefix.family() == Family::ipv4) {
    const auto first = prefix.first().v4();
    const auto last = first | static_cast<std::uint32_t>(0xffffffffULL >> static_cast<unsigned>(prefix.length()));
    if (last < kLoopback || first > (kLoopback | 0xffU)) return false;  // most networks
    return std::ranges::any_of(kAllCodes, [&](Code code) {
      const auto point = kLoopback | octet_of(code);
      return first <= point && point <= last;
    });
  }
  // Prefix::contains has no IPv4 address in an IPv6 network, but the names of the mapped addresses are below the network's name.
  const auto mapped = IpAddress::from_v4(kLoopback).octets();
  return prefix.first().octets() <= mapped && mapped <= prefix.last().octets();
}

}  // namespace blowback::answer
