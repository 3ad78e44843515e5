// Base64 as RFC 4648 §4 has it. Private to the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace blowback::feed {

/// Line breaks and blanks are passed over; padding is needed. Absent where the text is anything else.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace blowback::feed
