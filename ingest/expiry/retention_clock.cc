// Reckoning, and keeping it before it is gone by.
#include "expiry/retention_clock.h"

#include "system/guarded_clock.h"

#include <algorithm>
#include <chrono>

namespace blowback::expiry {
namespace {

constexpr Duration kOncePerBoot = std::chrono::days{1};
/// How long a new database is in use before anything expires.
constexpr Duration kWaits = std::chrono::days{1};
/// The program is younger: it is never later than this.
constexpr UnixTime kCertainlyPast = std::chrono::floor<Duration>(GuardedClock::kEarliest);

/// Where an id of the boot can't be read, a time since boot that is less tells another one. More may be another boot as well, of which less
/// is gained than is true.
[[nodiscard]] bool is_same_boot(const schema::UpkeepClock& kept, const Uptime& now) {
  if (kept.boot && now.boot) return *kept.boot == *now.boot;
  return now.awake >= *kept.awake;
}

}  // namespace

RetentionClock::RetentionClock(const std::optional<schema::UpkeepClock>& kept, std::optional<UnixTime> newest,
                               const Uptime& started) {
  if (kept && kept->awake && is_same_boot(*kept, started)) {
    state_ = to_keep_ = *kept;
    return;
  }
  begins_ = true;
  if (kept) {
    state_ = *kept;
    state_.time += kOncePerBoot;
  } else if (newest) {
    state_.time = *newest + kOncePerBoot;
  } else {
    state_.waits = kWaits;
  }
  // Since it was kept in an earlier boot, at least as much has passed as since this one.
  state_.awake = kept && kept->awake ? Duration{0} : started.awake;
  state_.boot = started.boot;
}

UnixTime RetentionClock::now(UnixTime clock, const Uptime& uptime) {
  if (uptime.boot) state_.boot = uptime.boot;
  // A virtual machine that is set back to an earlier state gains nothing until it is where it was.
  const Duration passed = std::max(Duration{0}, uptime.awake - *state_.awake);
  *state_.awake += passed;
  const bool waits = state_.waits > Duration{0};
  state_.waits = std::max(Duration{0}, state_.waits - passed);
  state_.time = waits ? clock : std::min(clock, state_.time + 2 * passed);
  using std::chrono::ceil;
  using std::chrono::floor;
  using std::chrono::hours;
  if (begins_ || floor<hours>(state_.time) != floor<hours>(to_keep_.time) ||
      ceil<hours>(state_.waits) != ceil<hours>(to_keep_.waits) || state_.boot != to_keep_.boot) {
    begins_ = false;
    to_keep_ = state_;
    to_keep_.time = floor<hours>(state_.time);
  }
  return waits ? kCertainlyPast : state_.time;
}

KeptRetentionClock::KeptRetentionClock(schema::Store& store, Source source) : store_(store), source_(source) {
  // Before anything is recorded by what the clock says now.
  static_cast<void>(read());
}

schema::Result<UnixTime> KeptRetentionClock::now(UnixTime clock) {
  if (!clock_) {
    if (auto done = read(); !done) return std::unexpected(std::move(done).error());
  }
  const UnixTime expiring = clock_->now(clock, source_());
  if (kept_ != clock_->to_keep()) {
    if (auto done = store_.set_upkeep_clock(clock_->to_keep()); !done) return std::unexpected(std::move(done).error());
    kept_ = clock_->to_keep();
  }
  return expiring;
}

schema::Result<void> KeptRetentionClock::read() {
  const auto kept = store_.upkeep_clock();
  if (!kept) return std::unexpected(kept.error());
  std::optional<UnixTime> newest;
  if (!*kept) {
    const auto found = store_.newest_time();
    if (!found) return std::unexpected(found.error());
    newest = *found;
  }
  kept_ = *kept;
  clock_.emplace(*kept, newest, source_());
  return {};
}

}  // namespace blowback::expiry
