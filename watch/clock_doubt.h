// Reports that the system's clock was stepped and the daemon uses its own (system/guarded_clock.h): in the log, in metrics and in
// health.
#pragma once

#include "watch/health.h"
#include "watch/metrics_text.h"

#include <chrono>
#include <optional>
#include <string>

namespace blowback::watch {

/// By how much the system's clock is ahead of the daemon's; absent: there is no doubt.
using ClockDoubt = std::optional<std::chrono::milliseconds>;

/// Logs `clock-in-doubt` when the doubt begins or the clock is stepped again, and `clock-trusted` when it ends. One thread at a time.
class ClockLog {
 public:
  void look(const ClockDoubt& doubt);

 private:
  ClockDoubt logged_;
};

/// `ahead by 40 days`, `behind by 1 day 2 hours`; `before this program was written` for 0, which stands for an impossible time.
[[nodiscard]] std::string in_words(std::chrono::milliseconds ahead);

/// Adds whether the clock is in doubt, and by how much it differs.
void add_clock(MetricsText& text, const ClockDoubt& doubt);
/// Adds `clock-in-doubt` if it is.
void add_clock(Health& health, const ClockDoubt& doubt);

}  // namespace blowback::watch
