// The only place where the daemons read the system's clock.
#include "system/daemon_clock.h"

#include <chrono>
#include <ctime>

namespace blowback {
namespace {

[[nodiscard]] UnixTime in_seconds(GuardedClock::Time time) { return std::chrono::floor<Duration>(time); }

}  // namespace

ClockReading read_system_clocks() {
  using std::chrono::milliseconds;
  // Not the monotonic clock: it stops while the machine sleeps, which would look like a step each time that it wakes.
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {.wall = std::chrono::floor<milliseconds>(std::chrono::system_clock::now()),
          .since_boot = std::chrono::floor<milliseconds>(std::chrono::seconds{boot.tv_sec} +
                                                         std::chrono::nanoseconds{boot.tv_nsec})};
}

DaemonClock::DaemonClock(Source source) : source_(source), clock_(source_()), offset_(clock_.offset()) {}

UnixTime DaemonClock::now() {
  const std::scoped_lock lock(mutex_);
  // Read under the lock, so that readings stay in order.
  const auto time = clock_.read(source_());
  offset_ = clock_.offset();
  return in_seconds(time);
}

UnixTime DaemonClock::glance() const {
  return in_seconds(GuardedClock::Time(offset_.load(std::memory_order_relaxed) + source_().since_boot));
}

std::optional<GuardedClock::Span> DaemonClock::doubt() const {
  const std::scoped_lock lock(mutex_);
  return clock_.doubt();
}

}  // namespace blowback
