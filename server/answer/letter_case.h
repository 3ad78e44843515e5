// Names are compared without regard to the case of ASCII letters (RFC 4343). Private to this room.
#pragma once

#include "blowback/text.h"

#include <cstdint>

namespace blowback::answer {

[[nodiscard]] constexpr std::uint8_t lower(std::uint8_t c) {
  return static_cast<std::uint8_t>(lower_case(static_cast<char>(c)));
}

/// Two octets at once. Length octets may be among them: they are below 64, and so no letters.
inline constexpr auto equal_ignoring_case = [](auto a, auto b) {
  return lower(static_cast<std::uint8_t>(a)) == lower(static_cast<std::uint8_t>(b));
};

}  // namespace blowback::answer
