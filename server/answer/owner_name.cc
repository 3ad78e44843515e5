#include "answer/owner_name.h"

#include <endian.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

namespace blowback::answer {
namespace {

constexpr std::size_t kMostOctets = 4;
constexpr std::size_t kLongestOctets = 16;  // in wire format
constexpr std::size_t kMostNibbles = 32;
constexpr std::size_t kMostLabels = 128;

__extension__ using Number128 = unsigned __int128;

using Label = std::span<const std::uint8_t>;

/// The part of an address that a name contains; the rest is zero.
struct Read {
  IpAddress address;
  std::size_t labels = 0;
};

/// 0 to 255 without leading zeros.
[[nodiscard]] std::optional<std::uint8_t> octet(Label label) {
  if (label.empty() || label.size() > 3 || (label.size() > 1 && label.front() == '0')) return std::nullopt;
  unsigned value = 0;
  for (const auto c : label) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > 255) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

/// The value of a hexadecimal digit in either case (RFC 4343); kNoNibble for any other octet.
constexpr std::uint8_t kNoNibble = 16;
constexpr auto kNibbles = [] {
  std::array<std::uint8_t, 256> nibbles{};
  nibbles.fill(kNoNibble);
  for (std::uint8_t i = 0; i < 10; ++i) nibbles[std::size_t{'0'} + i] = i;
  for (std::uint8_t i = 10; i < 16; ++i) nibbles[std::size_t{'a'} + i - 10] = nibbles[std::size_t{'A'} + i - 10] = i;
  return nibbles;
}();

/// The label nearest the apex is the first octet.
[[nodiscard]] std::optional<Read> by_octets(std::span<const std::uint8_t> wire) {
  if (wire.size() > kLongestOctets) return std::nullopt;
  std::uint32_t value = 0;
  std::size_t labels = 0;
  for (; !wire.empty(); ++labels) {
    if (labels == kMostOctets) return std::nullopt;
    const std::size_t length = wire.front();
    const auto part = octet(wire.subspan(1, length));
    if (!part) return std::nullopt;
    value |= std::uint32_t{*part} << (8 * labels);
    wire = wire.subspan(1 + length);
  }
  return Read{.address = IpAddress::from_v4(value << (8 * (kMostOctets - labels))), .labels = labels};
}

/// Likewise for nibbles: labels of one octet, so every other octet is a digit.
[[nodiscard]] std::optional<Read> by_nibbles(std::span<const std::uint8_t> wire) {
  const auto labels = wire.size() / 2;
  if (wire.size() % 2 != 0 || labels > kMostNibbles) return std::nullopt;
  if (labels == 0) return std::nullopt;
  Number128 value = 0;
  for (const auto* label = wire.data() + wire.size(); label != wire.data();) {
    label -= 2;
    const auto nibble = kNibbles[label[1]];
    if (label[0] != 1 || nibble == kNoNibble) return std::nullopt;
    value = value << 4U | nibble;
  }
  value <<= 4 * (kMostNibbles - labels);
  const std::array<std::uint64_t, 2> halves{htobe64(static_cast<std::uint64_t>(value >> 64U)),
                                            htobe64(static_cast<std::uint64_t>(value))};
  const auto octets = std::bit_cast<IpAddress::Octets>(halves);
  return Read{.address = IpAddress::from_octets(octets), .labels = labels};
}

[[nodiscard]] Prefix network_of_octets(const Read& read) {
  return Prefix::covering(read.address, static_cast<int>(8 * read.labels));
}
/// Below ::ffff:0:0/96 it is an IPv4 network.
[[nodiscard]] Prefix network_of_nibbles(const Read& read) {
  const int bits = static_cast<int>(4 * read.labels) - (128 - read.address.bits());
  return Prefix::covering(read.address, bits);
}

/// Rare, and therefore allowed to walk over all labels.
[[nodiscard]] OtherName other_name(std::span<const std::uint8_t> wire) {
  std::array<std::uint8_t, kMostLabels> starts;  // filled as far as `labels`
  std::size_t labels = 0;
  for (std::size_t at = 0; at < wire.size(); at += 1 + std::size_t{wire[at]})
    starts[labels++] = static_cast<std::uint8_t>(at);
  const auto nearest = [&](std::size_t count) { return wire.subspan(starts[labels - count]); };
  const auto below_asterisk = [&](std::size_t count) {
    if (labels - count < 2) return false;
    const auto next = wire.subspan(starts[labels - count - 1]);
    return next[0] == 1 && next[1] == '*';
  };
  const auto beginning = [&](std::size_t most, auto read, auto network_of) -> std::optional<OtherName::Beginning> {
    std::optional<Read> longest;
    for (std::size_t count = 1; count <= std::min(most, labels); ++count) {
      const auto next = read(nearest(count));
      if (!next) break;
      longest = next;
    }
    if (!longest) return std::nullopt;
    return OtherName::Beginning{.network = network_of(*longest), .below_asterisk = below_asterisk(longest->labels)};
  };
  OtherName name{.octets = beginning(kMostOctets, by_octets, network_of_octets),
                 .nibbles = beginning(kMostNibbles, by_nibbles, network_of_nibbles)};
  if (name.nibbles && name.nibbles->network.family() == Family::ipv4) name.nibbles.reset();
  return name;
}

}  // namespace

OwnerName owner_name(std::span<const std::uint8_t> wire) {
  if (wire.empty()) return Apex{};
  AddressName name;
  if (const auto read = by_octets(wire)) {
    if (read->labels == kMostOctets) {
      name.address = read->address;
    } else {
      name.octets = network_of_octets(*read);
    }
  }
  if (const auto read = by_nibbles(wire)) {
    if (read->labels == kMostNibbles && read->address.family() == Family::ipv6) {
      name.address = read->address;
    } else {
      name.nibbles = network_of_nibbles(*read);
    }
  }
  if (!name.address && !name.octets && !name.nibbles) return other_name(wire);
  return name;
}

}  // namespace blowback::answer
