// Reading reversed octets and reversed nibbles. Both readings are tried; a name is at most 32 labels either way.
#include "answer/owner_name.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace blowback::answer {
namespace {

constexpr std::size_t kMostLabels = 32;

using Label = std::span<const std::uint8_t>;

/// Labels of a name, the leftmost first.
struct Labels {
  std::array<Label, kMostLabels> at;
  std::size_t count = 0;
};

[[nodiscard]] std::optional<Labels> split(std::span<const std::uint8_t> wire) {
  Labels labels;
  while (!wire.empty()) {
    if (labels.count == kMostLabels) return std::nullopt;
    const std::size_t length = wire.front();
    labels.at[labels.count++] = wire.subspan(1, length);
    wire = wire.subspan(1 + length);
  }
  return labels;
}

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

/// One hexadecimal digit, in either case (RFC 4343).
[[nodiscard]] std::optional<std::uint8_t> nibble(Label label) {
  if (label.size() != 1) return std::nullopt;
  const unsigned c = label.front();
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  const unsigned lower = c | 0x20U;
  if (lower >= 'a' && lower <= 'f') return static_cast<std::uint8_t>(lower - 'a' + 10);
  return std::nullopt;
}

/// The label nearest the apex is the first octet. Octets that the name doesn't have are zero.
[[nodiscard]] std::optional<IpAddress> by_octets(const Labels& labels) {
  if (labels.count > 4) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < labels.count; ++i) {
    const auto part = octet(labels.at[labels.count - 1 - i]);
    if (!part) return std::nullopt;
    value |= static_cast<std::uint32_t>(*part) << (24 - 8 * i);
  }
  return IpAddress::from_v4(value);
}

[[nodiscard]] std::optional<IpAddress> by_nibbles(const Labels& labels) {
  IpAddress::Octets octets{};
  for (std::size_t i = 0; i < labels.count; ++i) {
    const auto part = nibble(labels.at[labels.count - 1 - i]);
    if (!part) return std::nullopt;
    octets[i / 2] = static_cast<std::uint8_t>(octets[i / 2] | (i % 2 == 0 ? *part << 4U : *part));
  }
  return IpAddress::from_octets(octets);
}

}  // namespace

OwnerName owner_name(std::span<const std::uint8_t> wire) {
  if (wire.empty()) return Apex{};
  const auto labels = split(wire);
  if (!labels) return NotAnAddress{};
  AddressName name;
  if (const auto address = by_octets(*labels)) {
    if (labels->count == 4) {
      name.address = address;
    } else {
      name.octets = Prefix::covering(*address, static_cast<int>(8 * labels->count));
    }
  }
  if (const auto address = by_nibbles(*labels)) {
    if (labels->count == kMostLabels) {
      name.address = address;
    } else {
      // Nibbles that reach into ::ffff:0:0/96 come back as an IPv4 address, and so does the network around it.
      const int bits = static_cast<int>(4 * labels->count) - (128 - address->bits());
      name.nibbles = Prefix::covering(*address, bits);
    }
  }
  if (!name.address && !name.octets && !name.nibbles) return NotAnAddress{};
  return name;
}

}  // namespace blowback::answer
