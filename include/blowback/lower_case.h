// ASCII in lower case, whatever the locale: names and addresses are compared so (RFC 4343 §3, RFC 5321 §2.4).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace blowback {

/// `text` with A to Z made a to z; all other octets stay.
[[nodiscard]] inline std::string lowered(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

}  // namespace blowback
