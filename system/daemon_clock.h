// The clock of a daemon: a GuardedClock that all of its threads share.
#pragma once

#include "blowback/unix_time.h"
#include "system/guarded_clock.h"

#include <atomic>
#include <mutex>
#include <optional>

namespace blowback {

/// Both of the system's clocks, read one after the other.
[[nodiscard]] ClockReading read_system_clocks();

/// Safe from any thread.
class DaemonClock {
 public:
  using Source = ClockReading (*)();

  /// `source` is called from every thread that reads the clock.
  explicit DaemonClock(Source source = read_system_clocks);

  /// Reads both clocks and decides which one to trust. To be called every few seconds, since a step is noticed here only. Locks a
  /// mutex.
  [[nodiscard]] UnixTime now();
  /// The time by the last decision of `now`, without a lock: for the server's workers.
  [[nodiscard]] UnixTime glance() const;
  /// As of the last `now`; see GuardedClock::doubt.
  [[nodiscard]] std::optional<GuardedClock::Span> doubt() const;

 private:
  Source source_;
  mutable std::mutex mutex_;  ///< guards clock_
  GuardedClock clock_;
  std::atomic<GuardedClock::Span> offset_;
};

}  // namespace blowback
