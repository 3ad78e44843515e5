// The parser on any bytes: the result keeps the documented guarantees.
#include "mail/message.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

// The bytes are copied to their exact size: a view into a padded buffer would hide an overrun.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  blowback::mail::Limits limits;
  limits.depth = 8;
  const auto message = blowback::mail::parse(bytes, limits);
  if (message) {
    if (message->parts.empty() || message->parts.size() > limits.parts) std::abort();
    for (const auto& part : message->parts) {
      // U+FFFD and other charsets may triple the size.
      constexpr std::size_t kMost = 4096;
      if (part.depth > limits.depth || blowback::mail::text_of(part, kMost).text.size() > 4 * kMost) std::abort();
      (void)blowback::mail::decoded(part.file_name);
    }
    for (const auto& field : message->fields) {
      (void)blowback::mail::decoded(field.value);
      (void)blowback::mail::first_address(field.value);
    }
  }
  (void)blowback::mail::parse_header(bytes, limits);
  return 0;
}
