// Letters of names compare without regard to case (RFC 4343): ASCII letters alone, whatever the locale. Private to this room.
#pragma once

#include <cstdint>

namespace blowback::answer {

[[nodiscard]] constexpr std::uint8_t lower(std::uint8_t c) {
  return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + ('a' - 'A')) : c;
}

/// Of two octets. Length octets may be among them: they are below 64, where no letter is.
inline constexpr auto equal_ignoring_case = [](auto a, auto b) {
  return lower(static_cast<std::uint8_t>(a)) == lower(static_cast<std::uint8_t>(b));
};

}  // namespace blowback::answer
