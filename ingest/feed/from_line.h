// The `From ` line that mbox files and some delivery agents put in front of a message. Private to the room.
#pragma once

#include "blowback/unix_time.h"

#include <optional>
#include <string>
#include <string_view>

namespace blowback::feed {

struct FromLine {
  /// "" for `MAILER-DAEMON`, which is what MTAs write for the null reverse-path; absent for a placeholder (`-`, `???@???`,
  /// Google's `NUMBER@xxx`), which says nothing.
  std::optional<std::string> reverse_path;
  UnixTime date{};  ///< without a zone taken as UTC, which MTAs mostly mean
};

/// `From ADDRESS Tue Nov 24 10:00:00 2026`, with or without seconds, zone (`+0100`, `CET`) and more behind the year; the
/// line's end may be there or not. Absent where it isn't such a line: `From here on` is text.
[[nodiscard]] std::optional<FromLine> parse_from_line(std::string_view line);

/// An address as an envelope has it: no angle brackets, `MAILER-DAEMON` and qmail's `#@[]` are the null reverse-path.
[[nodiscard]] std::string reverse_path(std::string_view text);

/// Whether the message's header has a Return-Path: field, which is better than a `From ` line (RFC 5321 §4.4).
[[nodiscard]] bool has_return_path(std::string_view message);

}  // namespace blowback::feed
