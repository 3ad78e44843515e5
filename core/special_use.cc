#include "blowback/ip_address.h"
#include "blowback/prefix.h"

#include <algorithm>
#include <array>

namespace blowback {
namespace {

struct SpecialV4 {
  std::uint32_t first;
  int length;
  AddressUse use;
  [[nodiscard]] Prefix network() const { return Prefix::covering(IpAddress::from_v4(first), length); }
};

// IANA's IPv4 special-purpose registry (RFC 6890 and its updates), multicast (RFC 5771) and class E.
constexpr std::array kSpecialV4{
    SpecialV4{0x00000000, 8, AddressUse::special},         // 0.0.0.0/8        this network
    SpecialV4{0x0a000000, 8, AddressUse::special},         // 10.0.0.0/8       private
    SpecialV4{0x64400000, 10, AddressUse::special},        // 100.64.0.0/10    shared (RFC 6598)
    SpecialV4{0x7f000000, 8, AddressUse::special},         // 127.0.0.0/8      loopback
    SpecialV4{0xa9fe0000, 16, AddressUse::special},        // 169.254.0.0/16   link-local
    SpecialV4{0xac100000, 12, AddressUse::special},        // 172.16.0.0/12    private
    SpecialV4{0xc0000000, 24, AddressUse::special},        // 192.0.0.0/24     protocol assignments
    SpecialV4{0xc0000200, 24, AddressUse::documentation},  // 192.0.2.0/24     TEST-NET-1 (RFC 5737)
    SpecialV4{0xc01fc400, 24, AddressUse::special},        // 192.31.196.0/24  AS112
    SpecialV4{0xc034c100, 24, AddressUse::special},        // 192.52.193.0/24  AMT
    SpecialV4{0xc0586300, 24, AddressUse::special},        // 192.88.99.0/24   6to4 relay
    SpecialV4{0xc0a80000, 16, AddressUse::special},        // 192.168.0.0/16   private
    SpecialV4{0xc0af3000, 24, AddressUse::special},        // 192.175.48.0/24  AS112
    SpecialV4{0xc6120000, 15, AddressUse::special},        // 198.18.0.0/15    benchmarking
    SpecialV4{0xc6336400, 24, AddressUse::documentation},  // 198.51.100.0/24  TEST-NET-2
    SpecialV4{0xcb007100, 24, AddressUse::documentation},  // 203.0.113.0/24   TEST-NET-3
    SpecialV4{0xe0000000, 4, AddressUse::special},         // 224.0.0.0/4      multicast
    SpecialV4{0xf0000000, 4, AddressUse::special},         // 240.0.0.0/4      reserved
};

struct SpecialV6 {
  IpAddress::Octets first;
  int length;
  AddressUse use;
  [[nodiscard]] Prefix network() const { return Prefix::covering(IpAddress::from_octets(first), length); }
};

// IANA's IPv6 special-purpose registry and multicast (RFC 4291 §2.7). Everything outside 2000::/3 is special anyway; networks with a
// name have a line.
constexpr std::array kSpecialV6{
    SpecialV6{{0x20, 0x01, 0x0d, 0xb8}, 32, AddressUse::documentation},        // 2001:db8::/32    RFC 3849
    SpecialV6{{0x3f, 0xff}, 20, AddressUse::documentation},                    // 3fff::/20        RFC 9637
    SpecialV6{{0x20, 0x01}, 23, AddressUse::special},                          // 2001::/23        IETF, Teredo
    SpecialV6{{0x20, 0x02}, 16, AddressUse::special},                          // 2002::/16        6to4
    SpecialV6{{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48, AddressUse::special},  // 2620:4f:8000::/48 AS112
    SpecialV6{{}, 128, AddressUse::special},                                   // ::               unspecified
    SpecialV6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, AddressUse::special},  // ::1  loopback
    SpecialV6{{0x00, 0x64, 0xff, 0x9b}, 96, AddressUse::special},              // 64:ff9b::/96     NAT64 (RFC 6052)
    SpecialV6{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, AddressUse::special},  // 64:ff9b:1::/48   NAT64 (RFC 8215)
    SpecialV6{{0x01}, 64, AddressUse::special},                                // 100::/64         discard (RFC 6666)
    SpecialV6{{0x5f}, 16, AddressUse::special},                                // 5f00::/16        SRv6 (RFC 9602)
    SpecialV6{{0xfc}, 7, AddressUse::special},                                 // fc00::/7         unique local
    SpecialV6{{0xfe, 0x80}, 10, AddressUse::special},                          // fe80::/10        link-local
    SpecialV6{{0xff}, 8, AddressUse::special},                                 // ff00::/8         multicast
};

[[nodiscard]] bool starts_with(const IpAddress::Octets& octets, const IpAddress::Octets& head, int length) {
  const auto whole = static_cast<std::size_t>(length / 8);
  if (!std::equal(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(whole), octets.begin())) return false;
  if (length % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> static_cast<unsigned>(length % 8));
  return (octets[whole] & mask) == (head[whole] & mask);
}

/// Global unicast is allocated from 2000::/3 only (IANA's IPv6 address space registry).
[[nodiscard]] bool is_global_unicast(const IpAddress& address) { return (address.octets()[0] & 0xe0U) == 0x20U; }

template <typename Visit>
void for_each_special(Visit visit) {
  const auto among = [&](const auto& table) {
    for (const auto& range : table) {
      if (range.use == AddressUse::special) visit(range.network());
    }
  };
  among(kSpecialV4);
  among(kSpecialV6);
}

}  // namespace

AddressUse use_of(const IpAddress& address) {
  if (address.family() == Family::ipv4) {
    const std::uint32_t value = address.v4();
    for (const auto& range : kSpecialV4) {
      if ((value ^ range.first) >> static_cast<unsigned>(32 - range.length) == 0) return range.use;
    }
    return AddressUse::ordinary;
  }
  for (const auto& range : kSpecialV6) {
    if (starts_with(address.octets(), range.first, range.length)) return range.use;
  }
  return is_global_unicast(address) ? AddressUse::ordinary : AddressUse::special;
}

bool has_special_use(const Prefix& prefix) {
  // A network that isn't within 2000::/3 has its first or last address outside.
  if (use_of(prefix.first()) == AddressUse::special) return true;
  if (prefix.is_single_address()) return false;
  if (use_of(prefix.last()) == AddressUse::special) return true;
  bool any = false;
  for_each_special([&](const Prefix& network) { any = any || prefix.contains(network); });
  return any;
}

bool is_special_use(const Prefix& prefix) {
  constexpr int kGlobalUnicastLength = 3;
  if (prefix.family() == Family::ipv6 && prefix.length() >= kGlobalUnicastLength && !is_global_unicast(prefix.first()))
    return true;
  bool any = false;
  for_each_special([&](const Prefix& network) { any = any || network.contains(prefix); });
  return any;
}

std::vector<Prefix> special_use_networks() {
  std::vector<Prefix> networks;
  for_each_special([&](const Prefix& network) { networks.push_back(network); });
  return networks;
}

}  // namespace blowback
