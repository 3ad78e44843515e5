// The time by which data expires. It is never ahead of the system's clock, and it doesn't follow a clock that jumps: a program that was started
// with a wrong clock must not remove a year of evidence within a minute.
//
// It continues from its last use, and advances by at most two seconds per second that the machine was awake since then. That is measured by the
// time since boot, which can't be set, and stored in the database with the time, so that the number of programs doesn't matter: a hundred
// starts in an hour advance it by two hours together. How long a machine was off or asleep can't be known: for that each boot may advance it by
// one day.
//
// With a clock that is ahead, by any amount and for any time:
// - Within one boot data expires too early by no more than the time that passes meanwhile, plus one day.
// - In a new database the time starts from the newest record or decision. If there is none, nothing expires for a day; then the clock is
//   trusted.
// It doesn't protect against these cases:
// - Each boot with the wrong clock advances the time by another day.
// - A clock that was ahead when the time was first stored, and is ahead again, is trusted.
// After a month off it takes a month to catch up, in which data is kept longer than necessary; likewise after a clock that was a month behind.
#pragma once

#include "blowback/unix_time.h"
#include "schema/store.h"
#include "system/uptime.h"

#include <optional>

namespace blowback::expiry {

/// The rule alone. Pure.
class RetentionClock {
 public:
  /// `kept`: from the last use; absent: there was none, and then `newest`, the newest record of the database, counts.
  RetentionClock(const std::optional<schema::UpkeepClock>& kept, std::optional<UnixTime> newest, const Uptime& started);

  /// The time by which data expires; while a new database waits, a time at which nothing expires. `uptime`: of the same boot.
  [[nodiscard]] UnixTime now(UnixTime clock, const Uptime& uptime);
  /// To be stored, as of the last `now`. Rounded to the hour, so that it changes, and is written, at most once per hour and boot.
  [[nodiscard]] const schema::UpkeepClock& to_keep() const { return to_keep_; }

 private:
  schema::UpkeepClock state_;
  schema::UpkeepClock to_keep_;
  bool begins_ = false;  ///< nothing was stored yet in this boot
};

/// A RetentionClock that is stored in a database. One thread at a time.
class KeptRetentionClock {
 public:
  using Source = Uptime (*)();

  /// `store` must outlive it. If it can't be read now, that is repeated at the next `now`.
  explicit KeptRetentionClock(schema::Store& store, Source source = read_uptime);

  /// The time by which data expires; `clock`: the time by the system's clock. Fails, and then nothing may expire, if the database can't be read
  /// or written.
  [[nodiscard]] schema::Result<UnixTime> now(UnixTime clock);

 private:
  [[nodiscard]] schema::Result<void> read();

  schema::Store& store_;
  Source source_;
  std::optional<RetentionClock> clock_;
  std::optional<schema::UpkeepClock> kept_;
};

}  // namespace blowback::expiry
