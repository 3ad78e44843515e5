#include "blowback/test_points.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace blowback {
namespace {

constexpr std::uint32_t kLoopback = 0x7f000000;
/// The point that every list must have.
constexpr auto kMandatory = Code::dsn;

[[nodiscard]] std::optional<Code> code_with(std::uint32_t octet) {
  const auto* const code = std::ranges::find_if(kAllCodes, [&](Code each) { return octet_of(each) == octet; });
  return code == kAllCodes.end() ? std::nullopt : std::optional(*code);
}

/// The code of the point for `code`, in a zone with `codes`.
[[nodiscard]] std::optional<Code> point_of(Code code, CodeSet codes) {
  assert(!codes.empty());
  if (codes.has(code)) return code;
  if (code != kMandatory) return std::nullopt;
  return *std::ranges::find_if(kAllCodes, [&](Code each) { return codes.has(each); });
}

}  // namespace

std::vector<TestPoint> test_points(CodeSet codes) {
  std::vector<TestPoint> points;
  for (const auto code : kAllCodes) {
    const auto address = IpAddress::from_v4(kLoopback | octet_of(code));
    if (const auto own = point_of(code, codes)) points.push_back({.address = address, .code = *own});
  }
  std::ranges::sort(points, {}, &TestPoint::address);
  return points;
}

std::optional<Code> test_point(const IpAddress& address, CodeSet codes) {
  if (address.family() != Family::ipv4 || (address.v4() & 0xffffff00U) != kLoopback) return std::nullopt;
  const auto code = code_with(address.v4() & 0xffU);
  return code ? point_of(*code, codes) : std::nullopt;
}

bool holds_test_point(const Prefix& prefix, CodeSet codes) {
  if (prefix.family() == Family::ipv4) {
    const auto first = prefix.first().v4();
    const auto last = first | static_cast<std::uint32_t>(0xffffffffULL >> static_cast<unsigned>(prefix.length()));
    if (last < kLoopback || first > (kLoopback | 0xffU)) return false;  // most networks
    return std::ranges::any_of(kAllCodes, [&](Code code) {
      const auto point = kLoopback | octet_of(code);
      return first <= point && point <= last && point_of(code, codes);
    });
  }
  // Prefix::contains has no IPv4 address in an IPv6 network, but the names of the mapped addresses are below the network's name.
  const auto mapped = IpAddress::from_v4(kLoopback).octets();
  return prefix.first().octets() <= mapped && mapped <= prefix.last().octets();
}

const std::array<IpAddress, 1 + kAllCodes.size()>& never_listed() {
  static const auto kAddresses = [] {
    std::array<IpAddress, 1 + kAllCodes.size()> addresses;
    addresses.front() = IpAddress::from_v4(kLoopback | 1U);
    std::ranges::transform(kAllCodes, addresses.begin() + 1,
                           [](Code code) { return IpAddress::from_v4(kLoopback | octet_of(code)); });
    std::ranges::sort(addresses);
    return addresses;
  }();
  return kAddresses;
}

bool is_never_listed(const IpAddress& address) {
  if (address.family() != Family::ipv4 || (address.v4() & 0xffffff00U) != kLoopback) return false;
  const auto octet = address.v4() & 0xffU;
  return octet == 1 || code_with(octet);
}

}  // namespace blowback
