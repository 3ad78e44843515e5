// What a daemon tells when the system's clock was stepped and it goes by its own (system/guarded_clock.h): in the log, in
// metrics, and to whoever asks whether it is ready.
#pragma once

#include "watch/health.h"
#include "watch/metrics_text.h"

#include <chrono>
#include <optional>
#include <string>

namespace blowback::watch {

/// By how much the system's clock is ahead of the daemon's; absent: there is no doubt.
using ClockDoubt = std::optional<std::chrono::milliseconds>;

/// Logs `clock-in-doubt` when a doubt begins or the clock is stepped once more, and `clock-trusted` when it ends. One thread at a
/// time.
class ClockLog {
 public:
  void look(const ClockDoubt& doubt);

 private:
  ClockDoubt told_;
};

/// `ahead by 40 days`, `behind by 1 day 2 hours`; for a clock that shows an impossible time: `before this program was written`.
[[nodiscard]] std::string in_words(std::chrono::milliseconds ahead);

/// Whether the clock is in doubt, and by how much it differs.
void add_clock(MetricsText& text, const ClockDoubt& doubt);
/// Adds `clock-in-doubt`, if it is.
void add_clock(Health& health, const ClockDoubt& doubt);

}  // namespace blowback::watch
