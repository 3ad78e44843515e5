// UTF-8 checked by hand: GLib's g_utf8_make_valid would bring GLib into this room for thirty lines.
#include "evidence_text.h"

#include <cstdint>

namespace blowback::record {
namespace {

/// Length of the well-formed sequence at the start of `text`, 0 if there is none (RFC 3629 §4's syntax).
[[nodiscard]] std::size_t sequence_length(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = octet(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  std::size_t length = 2;
  if (first >= 0xe0) length = first < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xc0U) != 0x80) return 0;
  }
  const std::uint8_t second = octet(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

std::string evidence_text(std::string_view text, std::size_t most) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    std::string_view shown = length == 0 ? "\xEF\xBF\xBD" : text.substr(0, length);
    if (length == 1 && (static_cast<std::uint8_t>(shown[0]) < 0x20 || shown[0] == 0x7f)) shown = " ";
    if (result.size() + shown.size() > most) break;
    result += shown;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace blowback::record
