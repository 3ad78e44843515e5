// An IPv4 or IPv6 address, and its class in the special-purpose registries.
//
// An IPv4-mapped IPv6 address (::ffff:192.0.2.1) equals the IPv4 address: a sender has one name, whichever socket it connected to.
// For networks see prefix.h, and `sender_of` there for the network that is scored as one sender.
#pragma once

#include <array>
#include <cassert>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace blowback {

enum class Family : std::uint8_t { ipv4, ipv6 };

/// Why a text is no address or prefix, as a clause ("has host bits set").
struct AddressError {
  std::string text;
};

class IpAddress {
 public:
  using Octets = std::array<std::uint8_t, 16>;

  /// 0.0.0.0.
  constexpr IpAddress() : octets_{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff} {}

  /// Strict: dotted quad without leading zeros, or RFC 4291 §2.2 text. No brackets, no zone id, no port, no blanks.
  [[nodiscard]] static std::expected<IpAddress, AddressError> parse(std::string_view text);
  /// `host_order`: 192.0.2.1 is 0xC0000201.
  [[nodiscard]] static IpAddress from_v4(std::uint32_t host_order);
  /// Network order; a mapped address becomes IPv4.
  [[nodiscard]] static IpAddress from_octets(const Octets& octets);

  [[nodiscard]] Family family() const {
    return std::memcmp(octets_.data(), kMappedHead.data(), kMappedHead.size()) == 0 ? Family::ipv4 : Family::ipv6;
  }
  /// 32 or 128.
  [[nodiscard]] int bits() const { return family() == Family::ipv4 ? 32 : 128; }
  /// Host order. Requires family() == ipv4.
  [[nodiscard]] std::uint32_t v4() const {
    assert(family() == Family::ipv4);
    return std::uint32_t{octets_[12]} << 24U | std::uint32_t{octets_[13]} << 16U | std::uint32_t{octets_[14]} << 8U |
           octets_[15];
  }
  /// Network order; IPv4 in its mapped form, so that one order and one key serve both families.
  [[nodiscard]] const Octets& octets() const { return octets_; }
  /// RFC 5952 for IPv6, dotted quad for IPv4. The inverse of `parse`.
  [[nodiscard]] std::string to_string() const;
  static constexpr std::size_t kLongestText = 45;  ///< 8 groups, or 6 and a dotted quad
  /// Writes the same text to `out`, without a terminating zero and without allocating. Returns its length.
  std::size_t to_chars(std::span<char, kLongestText> out) const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  static constexpr std::array<std::uint8_t, 12> kMappedHead{0, 0, 0, 0, 0,    0,
                                                            0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 §2.5.5.2

  Octets octets_;
};

enum class AddressUse : std::uint8_t {
  ordinary,       ///< globally reachable unicast
  documentation,  ///< RFC 5737, RFC 3849, RFC 9637: may be listed only where the policy allows it
  special,        ///< everything else of RFC 6890's registries, multicast, and IPv6 outside 2000::/3
};

/// Pure. A special-use address in trap mail shows that a trace was misread; it is never listed.
[[nodiscard]] AddressUse use_of(const IpAddress& address);

}  // namespace blowback

template <>
struct std::hash<blowback::IpAddress> {
  std::size_t operator()(const blowback::IpAddress& address) const noexcept;
};
