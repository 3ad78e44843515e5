// Sizes and numbers in DNS messages (RFC 1035 §4.1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace blowback::answer {

inline constexpr std::size_t kHeader = 12;          ///< octets before the question
inline constexpr std::size_t kTypeAndClass = 4;     ///< octets after the QNAME
inline constexpr std::size_t kLongestLabel = 63;    ///< RFC 1035 §3.1
inline constexpr std::size_t kLongestName = 255;    ///< likewise; with its root label
inline constexpr std::size_t kLongestString = 255;  ///< RFC 1035 §3.3: a <character-string>, without its length

/// Network order. Requires two octets at `at`; read32 and write32 four.
[[nodiscard]] inline std::uint16_t read16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>((at[0] << 8U) | at[1]);
}
[[nodiscard]] inline std::uint32_t read32(const std::uint8_t* at) {
  return std::uint32_t{read16(at)} << 16U | read16(at + 2);
}
inline void write16(std::uint8_t* at, std::size_t value) {
  at[0] = static_cast<std::uint8_t>((value >> 8U) & 0xffU);
  at[1] = static_cast<std::uint8_t>(value & 0xffU);
}
inline void write32(std::uint8_t* at, std::uint32_t value) {
  write16(at, value >> 16U);
  write16(at + 2, value & 0xffffU);
}

}  // namespace blowback::answer
