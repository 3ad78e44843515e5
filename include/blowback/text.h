// Text of protocols: ASCII letters compare without regard to case, whatever the locale (RFC 4343 §3, RFC 5321 §2.4).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace blowback {

/// A to Z become a to z; every other octet stays as it is.
[[nodiscard]] constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] std::string lower_case(std::string_view text);

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

/// `text` without the spaces, tabs, CRs and LFs at its beginning and end.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Two lower-case hexadecimal digits for each octet.
[[nodiscard]] std::string hex(std::span<const std::uint8_t> octets);

}  // namespace blowback
