#include "evidence_text.h"

#include "mail/utf8.h"

#include <cstdint>

namespace blowback::record {
namespace {

/// The longest UTF-8 sequence, less the octet at which it begins.
constexpr std::size_t kContinuation = 3;

}  // namespace

std::string evidence_text(std::string_view text, std::size_t most) {
  // More octets can't be shown, except for the end of a character that begins among them.
  std::string result(text.substr(0, most + kContinuation));
  for (char& c : result) {
    const auto octet = static_cast<std::uint8_t>(c);
    if (octet < 0x20 || octet == 0x7f) c = ' ';
  }
  result = mail::valid_utf8(std::move(result));
  if (result.size() <= most) return result;
  std::size_t end = most;
  while (end > 0 && (static_cast<std::uint8_t>(result[end]) & 0xc0U) == 0x80) --end;
  result.resize(end);
  return result;
}

}  // namespace blowback::record
