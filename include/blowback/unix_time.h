// Times and durations, to the second, and their text forms in configs, tables and JSON.
//
// Nothing here reads a clock: `now` is an argument that comes from a program's main, so that every decision can be replayed.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

namespace blowback {

using UnixTime = std::chrono::sys_seconds;
using Duration = std::chrono::seconds;

struct TimeError {
  std::string text;  ///< a clause, with an example of the right form
};

/// RFC 3339 in UTC to the second: `2026-11-24T10:00:00Z`.
[[nodiscard]] std::string to_iso8601(UnixTime time);
/// RFC 3339; a fraction of a second is dropped, an offset from UTC is applied. Years 1970 to 9999.
[[nodiscard]] std::expected<UnixTime, TimeError> parse_iso8601(std::string_view text);

/// A whole number and a unit, `90s`, `5m`, `12h`, `7d`, `4w`; several may follow each other, largest first: `1d12h`.
/// Fails on a number without a unit.
[[nodiscard]] std::expected<Duration, TimeError> parse_duration(std::string_view text);
/// The inverse of `parse_duration`, in days and smaller units: `7d`, `1d12h`, `0s`.
[[nodiscard]] std::string to_string(Duration duration);
/// Rounded, with at most two units: `11 days 2 hours`, `45 seconds`. The sign is left out.
[[nodiscard]] std::string in_words(Duration duration);

}  // namespace blowback
