// A clock that doesn't follow the system's clock into an error.
//
// Somebody sets the system's clock wrong for a minute: a slip at a keyboard, a bad time server, a virtual machine that comes
// back. Whoever takes that for the time ends every listing. The time since boot can't be set, so it tells a step from time that
// passed. After a step this clock goes on by the time since boot and is in doubt, until the system's clock is back, or has kept
// its new time for long enough to be believed. Which of two times is right nobody can know; what is done meanwhile must be
// reversible, and what isn't (sweeping) waits.
#pragma once

#include <chrono>
#include <optional>

namespace blowback {

/// One look at both of the system's clocks.
struct ClockReading {
  std::chrono::sys_time<std::chrono::milliseconds> wall;  ///< as it is set
  std::chrono::milliseconds since_boot{};                 ///< never set, also counts while the machine sleeps
};

/// The rule alone: a state that readings move. Pure. One thread at a time; daemon_clock.h is for several.
class GuardedClock {
 public:
  using Time = std::chrono::sys_time<std::chrono::milliseconds>;
  using Span = std::chrono::milliseconds;

  /// What both clocks may differ by from one reading to the next. NTP slews by 0.5 ms per second and steps what is off by
  /// more than some 100 ms; ten seconds leave room for small corrections by hand, which end nothing too early.
  static constexpr Span kSlew = std::chrono::seconds{10};
  /// A new time is believed after this. NTP's daemons correct a clock that is off within five minutes (ntpd's stepout is the
  /// longest), so a wrong time that stays longer is somebody's will. An older clock than that isn't worth more patience.
  static constexpr Span kPatience = std::chrono::minutes{10};
  /// No clock that shows an earlier time is right: the program is younger. Machines without a battery boot in 1970.
  static constexpr Time kEarliest{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

  /// What the system's clock says first is believed, as there is nothing to hold it against but kEarliest.
  explicit GuardedClock(const ClockReading& first);

  /// The time, as of this reading. Follows the system's clock as long as that runs with the time since boot. Once it doesn't, the
  /// new time has to last as long as the one that is believed has lasted so far, and kPatience at most: a daemon that was
  /// started under a wrong clock doesn't hold on to it when that is set right. Requires since_boot not to fall.
  [[nodiscard]] Time read(const ClockReading& reading);

  /// By how much the system's clock was ahead of this one at the last reading; negative: behind. Absent: no doubt.
  [[nodiscard]] std::optional<Span> doubt() const { return doubt_; }
  /// What to add to the time since boot, as of the last reading.
  [[nodiscard]] Span offset() const { return offset_; }

 private:
  struct Candidate {
    Span offset{};
    Span since{};  ///< boot, when it was first read
  };

  Span offset_;
  Span believed_since_;  ///< boot
  std::optional<Candidate> candidate_;
  std::optional<Span> doubt_;
};

}  // namespace blowback
