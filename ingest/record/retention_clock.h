// The time by which things expire. It is never ahead of the clock, and it doesn't follow a clock that jumps: a program that was
// started under a wrong clock must not remove a year of evidence within a minute.
//
// It starts a day ahead of where it was when it was last used, at most, and runs twice as fast as time passes until it has caught up.
// So after a month off it takes a month to catch up, in which things are kept for longer than they need be.
#pragma once

#include "blowback/unix_time.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace blowback::record {

class RetentionClock {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  /// `last_used`: as it was kept; absent: never, and then the clock is believed.
  RetentionClock(std::optional<UnixTime> last_used, Steady started) : last_used_(last_used), started_(started) {}

  [[nodiscard]] UnixTime now(UnixTime clock, Steady steady) const {
    if (!last_used_) return clock;
    const auto running = std::chrono::duration_cast<Duration>(steady - started_);
    return std::min(clock, *last_used_ + std::chrono::days{1} + 2 * running);
  }

 private:
  std::optional<UnixTime> last_used_;
  Steady started_;
};

}  // namespace blowback::record
