#include "blowback/ip_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cassert>
#include <charconv>
#include <cstring>
#include <span>

namespace blowback {
namespace {

constexpr std::size_t kGroups = 8;
using Groups = std::array<unsigned, kGroups>;

struct Zeros {
  std::size_t begin = kGroups;
  std::size_t size = 0;
};

/// RFC 5952 §4.2: the first of the longest runs of zero groups, if it has at least two.
[[nodiscard]] Zeros longest_zeros(const Groups& groups) {
  Zeros longest{.size = 1};
  for (std::size_t i = 0; i < kGroups; ++i) {
    std::size_t size = 0;
    while (i + size < kGroups && groups[i + size] == 0) ++size;
    if (size > longest.size) longest = {.begin = i, .size = size};
    i += size;
  }
  return longest;
}

/// RFC 5952 §4. Our own code, since inet_ntop uses sprintf, which takes longer than the rest of an answer. Returns the length.
[[nodiscard]] std::size_t write_v6(const IpAddress::Octets& octets, char* out) {
  Groups groups{};
  for (std::size_t i = 0; i < kGroups; ++i) groups[i] = unsigned{octets[2 * i]} << 8U | octets[2 * i + 1];
  const auto zeros = longest_zeros(groups);
  char* at = out;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (i == zeros.begin) {
      *at++ = ':';
      i += zeros.size - 1;
      if (i + 1 == kGroups) *at++ = ':';
      continue;
    }
    if (i > 0) *at++ = ':';
    at = std::to_chars(at, at + 4, groups[i], 16).ptr;
  }
  return static_cast<std::size_t>(at - out);
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
    // glibc's inet_pton accepts no leading zeros, no short forms and no blanks.
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

std::size_t IpAddress::to_chars(std::span<char, kLongestText> out) const {
  if (family() == Family::ipv4) {
    char* at = out.data();
    for (std::size_t i = kMappedHead.size(); i < octets_.size(); ++i) {
      if (i > kMappedHead.size()) *at++ = '.';
      at = std::to_chars(at, out.data() + out.size(), octets_[i]).ptr;
    }
    return static_cast<std::size_t>(at - out.data());
  }
  // An address that begins with 96 zeros may have a part in IPv4 form; these are rare, and left to inet_ntop.
  if (std::all_of(octets_.begin(), octets_.begin() + 12, [](std::uint8_t octet) { return octet == 0; })) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(AF_INET6, octets_.data(), text.data(), text.size());
    return static_cast<std::size_t>(
        std::ranges::copy_n(text.data(), std::ssize(std::string_view(text.data())), out.data()).out - out.data());
  }
  return write_v6(octets_, out.data());
}

std::string IpAddress::to_string() const {
  std::array<char, kLongestText> text{};
  const auto size = to_chars(text);
  return {text.data(), size};
}

}  // namespace blowback

std::size_t std::hash<blowback::IpAddress>::operator()(const blowback::IpAddress& address) const noexcept {
  // Two multiplications mix well enough for tables of listings, since an attacker can't choose many of their keys.
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.octets().data(), 8);
  std::memcpy(&low, address.octets().data() + 8, 8);
  std::uint64_t mixed = (high ^ 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;
  mixed = (mixed ^ (mixed >> 32U) ^ low) * 0xc4ceb9fe1a85ec53ULL;
  return mixed ^ (mixed >> 29U);
}
