// The time by which things expire. It is never ahead of the clock, and it doesn't follow a clock that jumps: a program that was
// started under a wrong clock must not remove a year of evidence within a minute.
//
// It goes on from where it was when it was last used, and gains at most two seconds in each second that the machine was awake since
// then. That is measured by time since boot, which nobody can set, and kept in the database together with the time, so it doesn't
// matter how many programs are started: a hundred starts in an hour gain two hours together. Only how long a machine was off or asleep
// can't be known: for that each boot may gain one day.
//
// What holds under a clock that is ahead, by whatever and for however long:
// - In one boot things expire too early by no more than the time that passes meanwhile, and a day once.
// - In a database that was never used for it, the time starts from the newest that was recorded or decided. Where there is
//   none, nothing expires until a day has passed; then the clock is believed.
// What doesn't:
// - Each boot under the wrong clock gains another day.
// - A clock that was ahead when the time was first set, and is so again, is believed.
// After a month off it takes a month to catch up, in which things are kept for longer than they need be; so it does after a clock
// was a month behind.
#pragma once

#include "blowback/unix_time.h"
#include "schema/store.h"
#include "system/uptime.h"

#include <optional>

namespace blowback::expiry {

/// The rule alone: a state that readings move. Pure.
class RetentionClock {
 public:
  /// `kept`: of an earlier use; absent: there was none. `newest`: of the database, looked at in that case only.
  RetentionClock(const std::optional<schema::UpkeepClock>& kept, std::optional<UnixTime> newest, const Uptime& started);

  /// While it waits: a time before which nothing can have been received that could be too young to go. `uptime` of the same boot.
  [[nodiscard]] UnixTime now(UnixTime clock, const Uptime& uptime);
  /// To be kept, as of the last `now`. To the hour, so that it is seldom written: another one only where the hour or the boot is.
  [[nodiscard]] const schema::UpkeepClock& to_keep() const { return to_keep_; }

 private:
  schema::UpkeepClock state_;
  schema::UpkeepClock to_keep_;
  bool begins_ = false;  ///< nothing was kept yet in this boot
};

/// A RetentionClock that is kept in a database. One thread.
class KeptRetentionClock {
 public:
  using Source = Uptime (*)();

  /// `store` must outlive it. What can't be read now is read at the next `now`.
  explicit KeptRetentionClock(schema::Store& store, Source source = read_uptime);

  /// By which time things expire, where the clock says `clock`. Fails, and then nothing may expire, where the database can't tell or
  /// can't keep it.
  [[nodiscard]] schema::Result<UnixTime> now(UnixTime clock);

 private:
  [[nodiscard]] schema::Result<void> read();

  schema::Store& store_;
  Source source_;
  std::optional<RetentionClock> clock_;
  std::optional<schema::UpkeepClock> kept_;
};

}  // namespace blowback::expiry
