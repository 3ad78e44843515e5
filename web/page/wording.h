// Times, durations and counts in a visitor's language, in the same forms as `why` prints them in English.
#pragma once

#include "account/account.h"
#include "blowback/kind.h"
#include "blowback/unix_time.h"
#include "page/texts.h"

#include <string>

namespace blowback::page {

/// `11 days 2 hours`, rounded as in_words() does.
[[nodiscard]] std::string span_in(const Texts& texts, Duration duration);
/// `2026-11-24 10:00 (3 hours ago)`.
[[nodiscard]] std::string when_in(const Texts& texts, UnixTime time, UnixTime now);
/// `2026-11-24 08h`: the time of a message is given to the hour only.
[[nodiscard]] std::string hour_in(const Texts& texts, UnixTime time);
[[nodiscard]] std::string_view kind_in(const Texts& texts, Kind kind);
/// `bounce (unknown user)`.
[[nodiscard]] std::string named_in(const Texts& texts, Kind kind, Cause cause);
[[nodiscard]] std::string code_in(const Texts& texts, Code code);
/// `2.50`.
[[nodiscard]] std::string amount(double value);

}  // namespace blowback::page
