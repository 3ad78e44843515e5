// Base64 (RFC 4648 §4). Our own decoder, since GLib's and libcrypto's accept what isn't base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace blowback::feed {

/// Ignores white space and requires padding. Absent: the text isn't base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace blowback::feed
