// Texts for people: times, and what strangers wrote, in the form in which every program shows them.
#pragma once

#include "blowback/unix_time.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace blowback {

/// `text`, with terminal codes for bold if `bold`.
[[nodiscard]] std::string heading(std::string_view text, bool bold);
/// `2026-11-24 10:00 (3 hours ago)`, `… (in 11 days 2 hours)`. UTC.
[[nodiscard]] std::string when(UnixTime time, UnixTime now);
/// `2026-11-24 10:00`. UTC.
[[nodiscard]] std::string minute(UnixTime time);
/// Text by strangers, safe for a terminal: without control characters, and at most `most` octets, shortened between characters.
[[nodiscard]] std::string harmless(std::string_view text, std::size_t most = 200);

}  // namespace blowback
