#include "base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace blowback::feed {
namespace {

constexpr std::uint8_t kBlank = 64;
constexpr std::uint8_t kNone = 65;

constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  for (const char c : {' ', '\t', '\r', '\n'}) values[static_cast<unsigned char>(c)] = kBlank;
  return values;
}();

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '=') {
      ++padding;
      continue;
    }
    const auto value = kValues[static_cast<unsigned char>(c)];
    if (value == kBlank) continue;
    if (value == kNone || padding > 0) return std::nullopt;
    bits = (bits << 6U) | value;
    if (++digits % 4 == 0) {
      decoded += static_cast<char>(bits >> 16U);
      decoded += static_cast<char>(bits >> 8U);
      decoded += static_cast<char>(bits);
      bits = 0;
    }
  }
  const auto rest = digits % 4;
  if (rest == 1 || padding != (rest == 0 ? 0 : 4 - rest)) return std::nullopt;
  if (rest == 2) decoded += static_cast<char>(bits >> 4U);
  if (rest == 3) {
    decoded += static_cast<char>(bits >> 10U);
    decoded += static_cast<char>(bits >> 2U);
  }
  return decoded;
}

}  // namespace blowback::feed
