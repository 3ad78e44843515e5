#include "expiry/retention_clock.h"

#include "system/guarded_clock.h"

#include <algorithm>
#include <chrono>

namespace blowback::expiry {
namespace {

constexpr Duration kOncePerBoot = std::chrono::days{1};
/// How long nothing expires in a new database.
constexpr Duration kWaits = std::chrono::days{1};
/// A time before this program was written.
constexpr UnixTime kCertainlyPast = std::chrono::floor<Duration>(GuardedClock::kEarliest);

/// If the boot's id can't be read, a smaller time since boot means another boot. A greater one may be another boot as well; then the time
/// advances by less than it could.
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
  // It was stored in an earlier boot, so at least the time since this boot has passed.
  state_.awake = kept && kept->awake ? Duration{0} : started.awake;
  state_.boot = started.boot;
}

UnixTime RetentionClock::now(UnixTime clock, const Uptime& uptime) {
  if (uptime.boot) state_.boot = uptime.boot;
  // A virtual machine that was reset to an earlier state doesn't advance until it has caught up.
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
  // Before anything is recorded with the clock's present time.
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
