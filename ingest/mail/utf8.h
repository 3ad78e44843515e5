// Valid UTF-8 (RFC 3629) from any octets.
#pragma once

#include <string>

namespace blowback::mail {

/// `text` with every NUL, and every octet that isn't part of a valid sequence, replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string text);

}  // namespace blowback::mail
