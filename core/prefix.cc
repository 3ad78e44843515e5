#include "blowback/prefix.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstddef>

namespace blowback {
namespace {

/// Bits before the address in the 16 octets: 96 for IPv4, in its mapped form.
[[nodiscard]] int lead_bits(const IpAddress& address) { return 128 - address.bits(); }

/// `octets` with all bits after the first `keep` set to one or to zero.
[[nodiscard]] IpAddress::Octets filled_after(IpAddress::Octets octets, int keep, bool ones) {
  if (keep == 128) return octets;
  const auto at = static_cast<std::size_t>(keep / 8);
  const auto tail = static_cast<std::uint8_t>(0xffU >> static_cast<unsigned>(keep % 8));
  octets[at] = static_cast<std::uint8_t>(ones ? octets[at] | tail : octets[at] & static_cast<std::uint8_t>(~tail));
  std::fill(octets.begin() + static_cast<std::ptrdiff_t>(at) + 1, octets.end(),
            ones ? std::uint8_t{0xff} : std::uint8_t{0});
  return octets;
}

}  // namespace

Prefix Prefix::covering(const IpAddress& address, int length) {
  assert(length >= 0 && length <= address.bits());
  if (length == address.bits()) return {address, length};  // the most frequent case, and the server's
  return {IpAddress::from_octets(filled_after(address.octets(), lead_bits(address) + length, false)), length};
}

std::expected<Prefix, AddressError> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::unexpected(address.error());
  if (slash == std::string_view::npos) return of(*address);
  const auto digits = text.substr(slash + 1);
  int length = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc{} || end != digits.data() + digits.size() || leading_zero || length < 0 ||
      length > address->bits()) {
    return std::unexpected(AddressError{"'" + std::string(text.substr(0, 60)) + "' has no prefix length of 0 to " +
                                        std::to_string(address->bits()) + " after the slash"});
  }
  const Prefix prefix = covering(*address, length);
  if (prefix.first_ != *address) {
    return std::unexpected(AddressError{"'" + std::string(text.substr(0, 60)) +
                                        "' has host bits set; the network around it is " + prefix.to_string()});
  }
  return prefix;
}

IpAddress Prefix::last() const {
  return IpAddress::from_octets(filled_after(first_.octets(), lead_bits(first_) + length_, true));
}

bool Prefix::contains(const IpAddress& address) const {
  return address.family() == family() && covering(address, length_).first_ == first_;
}

bool Prefix::contains(const Prefix& other) const { return other.length_ >= length_ && contains(other.first_); }

std::size_t Prefix::to_chars(std::span<char, kLongestText> out) const {
  const auto size = first_.to_chars(out.first<IpAddress::kLongestText>());
  if (is_single_address()) return size;
  out[size] = '/';
  const auto* const end = std::to_chars(out.data() + size + 1, out.data() + out.size(), length_).ptr;
  return static_cast<std::size_t>(end - out.data());
}

std::string Prefix::to_string() const {
  std::array<char, kLongestText> text;
  return {text.data(), to_chars(text)};
}

Prefix sender_of(const IpAddress& address) {
  return Prefix::covering(address, address.family() == Family::ipv4 ? 32 : 64);
}

}  // namespace blowback

std::size_t std::hash<blowback::Prefix>::operator()(const blowback::Prefix& prefix) const noexcept {
  return std::hash<blowback::IpAddress>{}(prefix.first()) ^ (static_cast<std::size_t>(prefix.length()) * 0x9e3779b1U);
}
