// The `From ` line before a message, which mbox files and some delivery agents have. Private to the room.
#pragma once

#include "blowback/unix_time.h"

#include <optional>
#include <string>
#include <string_view>

namespace blowback::feed {

struct FromLine {
  /// "" for `MAILER-DAEMON`, which MTAs write for the null reverse-path; absent for a placeholder (`-`, `???@???`, Google's `NUMBER@xxx`).
  std::optional<std::string> reverse_path;
  UnixTime date{};  ///< UTC if the line has no zone, as most MTAs mean it
};

/// `From ADDRESS Tue Nov 24 10:00:00 2026`, with or without seconds, zone (`+0100`, `CET`), text after the year, and line end. Absent: it
/// isn't such a line; `From here on` is text.
[[nodiscard]] std::optional<FromLine> parse_from_line(std::string_view line);

/// An address without angle brackets, as in an envelope. `MAILER-DAEMON` and qmail's `#@[]` are the null reverse-path.
[[nodiscard]] std::string reverse_path(std::string_view text);

/// Whether the message's header has a Return-Path: field, which is more reliable than a `From ` line (RFC 5321 §4.4).
[[nodiscard]] bool has_return_path(std::string_view message);

}  // namespace blowback::feed
