// Makes any text safe for a log line or a metric: valid UTF-8, and nothing that a terminal interprets.
#pragma once

#include <string>
#include <string_view>

namespace blowback::watch {

/// `text` with U+FFFD for each octet that isn't part of valid UTF-8 (RFC 3629).
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// `text` in double quotes; `"` and `\` with a backslash before them, line feed, carriage return and tab as `\n`, `\r`, `\t`, other
/// control characters (C0, DEL, C1) and octets that aren't UTF-8 as `\xNN`. Never more than one line.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// Whether a value needs no quotes: not empty, printable ASCII, and none of blank, `"`, `=`, `\`.
[[nodiscard]] bool is_bare(std::string_view text);

}  // namespace blowback::watch
