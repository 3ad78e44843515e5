// Reading and writing addresses by inet_pton/inet_ntop, and the special-purpose registries as two tables.
#include "blowback/ip_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cassert>
#include <charconv>
#include <cstring>
#include <span>

namespace blowback {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedHead{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 §2.5.5.2

struct SpecialV4 {
  std::uint32_t first;
  int length;
  AddressUse use;
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
  std::array<std::uint8_t, 6> head;  // no entry within 2000::/3 needs more
  int length;
  AddressUse use;
};

// IANA's IPv6 special-purpose registry, as far as it lies within 2000::/3; all outside is special anyway.
constexpr std::array kSpecialV6{
    SpecialV6{{0x20, 0x01, 0x0d, 0xb8, 0, 0}, 32, AddressUse::documentation},  // 2001:db8::/32  RFC 3849
    SpecialV6{{0x3f, 0xff, 0, 0, 0, 0}, 20, AddressUse::documentation},        // 3fff::/20      RFC 9637
    SpecialV6{{0x20, 0x01, 0, 0, 0, 0}, 23, AddressUse::special},              // 2001::/23      IETF protocols, Teredo
    SpecialV6{{0x20, 0x02, 0, 0, 0, 0}, 16, AddressUse::special},              // 2002::/16      6to4
    SpecialV6{{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48, AddressUse::special},  // 2620:4f:8000::/48 AS112
};

[[nodiscard]] bool starts_with(std::span<const std::uint8_t> octets, std::span<const std::uint8_t> head, int length) {
  const auto whole = static_cast<std::size_t>(length / 8);
  if (!std::equal(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(whole), octets.begin())) return false;
  if (length % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> static_cast<unsigned>(length % 8));
  return (octets[whole] & mask) == (head[whole] & mask);
}

}  // namespace

std::expected<IpAddress, AddressError> IpAddress::parse(std::string_view text) {
  const auto bad = [&]() -> std::unexpected<AddressError> {
    const std::string shown(text.substr(0, kLongestText));
    return std::unexpected(AddressError{"'" + shown + "' is no IP address, write it like 192.0.2.1 or 2001:db8::1"});
  };
  if (text.empty() || text.size() > kLongestText || text.find('\0') != std::string_view::npos) return bad();
  std::array<char, kLongestText + 1> terminated{};
  std::memcpy(terminated.data(), text.data(), text.size());
  IpAddress address;
  if (text.find(':') == std::string_view::npos) {
    // glibc's inet_pton takes no leading zeros, no short forms, no blanks.
    if (inet_pton(AF_INET, terminated.data(), address.octets_.data() + kMappedHead.size()) != 1) return bad();
    return address;
  }
  if (inet_pton(AF_INET6, terminated.data(), address.octets_.data()) != 1) return bad();
  return address;
}

IpAddress IpAddress::from_v4(std::uint32_t host_order) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) address.octets_[15 - i] = static_cast<std::uint8_t>(host_order >> (8 * i));
  return address;
}

IpAddress IpAddress::from_octets(const Octets& octets) {
  IpAddress address;
  address.octets_ = octets;
  return address;
}

Family IpAddress::family() const {
  return std::equal(kMappedHead.begin(), kMappedHead.end(), octets_.begin()) ? Family::ipv4 : Family::ipv6;
}

std::uint32_t IpAddress::v4() const {
  assert(family() == Family::ipv4);
  std::uint32_t value = 0;
  for (std::size_t i = 12; i < 16; ++i) value = (value << 8U) | octets_[i];
  return value;
}

std::size_t IpAddress::to_chars(std::span<char, kLongestText> out) const {
  if (family() == Family::ipv4) {
    char* at = out.data();
    for (std::size_t i = kMappedHead.size(); i < octets_.size(); ++i) {
      if (i > kMappedHead.size()) *at++ = '.';
      at = std::to_chars(at, out.data() + out.size(), octets_[i]).ptr;
    }
    return static_cast<std::size_t>(at - out.data());
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, octets_.data(), text.data(), text.size());
  const auto size = std::strlen(text.data());
  std::memcpy(out.data(), text.data(), size);
  return size;
}

std::string IpAddress::to_string() const {
  std::array<char, kLongestText> text{};
  const auto size = to_chars(text);
  return {text.data(), size};
}

AddressUse use_of(const IpAddress& address) {
  if (address.family() == Family::ipv4) {
    const std::uint32_t value = address.v4();
    for (const auto& range : kSpecialV4) {
      if ((value ^ range.first) >> static_cast<unsigned>(32 - range.length) == 0) return range.use;
    }
    return AddressUse::ordinary;
  }
  for (const auto& range : kSpecialV6) {
    if (starts_with(address.octets(), range.head, range.length)) return range.use;
  }
  // Global unicast is allocated from 2000::/3 only (IANA's IPv6 address space registry).
  return (address.octets()[0] & 0xe0U) == 0x20U ? AddressUse::ordinary : AddressUse::special;
}

}  // namespace blowback

std::size_t std::hash<blowback::IpAddress>::operator()(const blowback::IpAddress& address) const noexcept {
  // Two multiplications mix well enough for tables whose keys an attacker can't choose in bulk: listings.
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.octets().data(), 8);
  std::memcpy(&low, address.octets().data() + 8, 8);
  std::uint64_t mixed = (high ^ 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;
  mixed = (mixed ^ (mixed >> 32U) ^ low) * 0xc4ceb9fe1a85ec53ULL;
  return mixed ^ (mixed >> 29U);
}
