// A network such as 203.0.113.0/24: of a listing, of an exemption, or of a sender.
#pragma once

#include "blowback/ip_address.h"

#include <compare>
#include <cstddef>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback {

/// Host bits are zero, always. A single address is the prefix of full length.
class Prefix {
 public:
  /// 0.0.0.0/32.
  Prefix() = default;

  /// `ADDRESS` or `ADDRESS/LENGTH`. Fails on anything else, and if host bits are set, which is most likely a mistake.
  [[nodiscard]] static std::expected<Prefix, AddressError> parse(std::string_view text);
  /// The network of that length around `address`; host bits are cleared. Requires 0 <= length <= address.bits().
  [[nodiscard]] static Prefix covering(const IpAddress& address, int length);
  /// The prefix of full length.
  [[nodiscard]] static Prefix of(const IpAddress& address) { return covering(address, address.bits()); }

  [[nodiscard]] Family family() const { return first_.family(); }
  /// 0 to 32 for IPv4, 0 to 128 for IPv6.
  [[nodiscard]] int length() const { return length_; }
  [[nodiscard]] const IpAddress& first() const { return first_; }
  [[nodiscard]] IpAddress last() const;
  [[nodiscard]] bool is_single_address() const { return length_ == first_.bits(); }
  [[nodiscard]] bool contains(const IpAddress& address) const;
  /// True for itself.
  [[nodiscard]] bool contains(const Prefix& other) const;
  /// `192.0.2.1` for a single address, else `192.0.2.0/24`. The inverse of `parse`.
  [[nodiscard]] std::string to_string() const;
  static constexpr std::size_t kLongestText = IpAddress::kLongestText + 4;
  /// Writes the same text to `out`, without a terminating zero and without allocating. Returns its length.
  std::size_t to_chars(std::span<char, kLongestText> out) const;

  /// Ordered by first address, then by length, shorter first: a network precedes all networks that it contains.
  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  Prefix(const IpAddress& first, int length) : first_(first), length_(length) {}

  IpAddress first_;
  int length_ = 32;
};

/// The network that is scored and listed as one sender: an IPv4 address, or the /64 of an IPv6 address, since one host usually
/// has all of a /64.
[[nodiscard]] Prefix sender_of(const IpAddress& address);

/// Whether any address in it is special (`use_of`). Pure. Whether all are: `is_special_use`.
[[nodiscard]] bool has_special_use(const Prefix& prefix);
/// Whether it is part of one special-use network. Pure.
[[nodiscard]] bool is_special_use(const Prefix& prefix);
/// IANA's special-purpose registries of both families, multicast and class E; without documentation networks. Pure.
[[nodiscard]] std::vector<Prefix> special_use_networks();

}  // namespace blowback

template <>
struct std::hash<blowback::Prefix> {
  std::size_t operator()(const blowback::Prefix& prefix) const noexcept;
};
