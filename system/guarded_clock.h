// A clock that doesn't follow the system's clock into an error.
//
// The system's clock may be wrong for a while: a mistake of the operator, a bad time server, a virtual machine that resumes. A program that
// trusts it then ends every listing. The time since boot can't be set, so it distinguishes a step from time that has passed. After a
// step this clock continues by the time since boot, and is in doubt until the system's clock is back, or has kept its new time long enough.
// Which of the two times is right can't be known; so in doubt nothing is done that can't be undone, such as removing what has expired.
#pragma once

#include <chrono>
#include <optional>

namespace blowback {

/// A reading of both of the system's clocks.
struct ClockReading {
  std::chrono::sys_time<std::chrono::milliseconds> wall;  ///< the settable clock
  std::chrono::milliseconds since_boot{};                 ///< can't be set; includes time in which the machine sleeps
};

/// The rule, as a state that readings change. Pure. One thread at a time; for several see daemon_clock.h.
class GuardedClock {
 public:
  using Time = std::chrono::sys_time<std::chrono::milliseconds>;
  using Span = std::chrono::milliseconds;

  /// How much the clocks may diverge between two readings. NTP slews by 0.5 ms per second, and steps if the error is larger than about
  /// 100 ms; ten seconds also allow small corrections by hand, which end nothing too early.
  static constexpr Span kSlew = std::chrono::seconds{10};
  /// After this time a new time is trusted. NTP daemons correct a clock within five minutes (ntpd's stepout is the longest), so a time that
  /// stays longer was set on purpose.
  static constexpr Span kPatience = std::chrono::minutes{10};
  /// An earlier time is certainly wrong, since the program is younger. Machines without a battery boot in 1970.
  static constexpr Time kEarliest{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

  /// The first reading is trusted, unless it is before kEarliest: there is nothing to compare it with.
  explicit GuardedClock(const ClockReading& first);

  /// The time at this reading. It follows the system's clock while that agrees with the time since boot. After a step, the new time has to
  /// last as long as the trusted one has lasted so far, but at most kPatience: so a daemon that was started under a wrong clock soon follows
  /// the correction. Requires that since_boot doesn't decrease.
  [[nodiscard]] Time read(const ClockReading& reading);

  /// By how much the system's clock was ahead of this one at the last reading; negative: behind. Absent: no doubt.
  [[nodiscard]] std::optional<Span> doubt() const { return doubt_; }
  /// The difference between this clock and the time since boot, at the last reading.
  [[nodiscard]] Span offset() const { return offset_; }

 private:
  struct Candidate {
    Span offset{};
    Span since{};  ///< time since boot when it was first read
  };

  Span offset_;
  Span believed_since_;  ///< time since boot
  std::optional<Candidate> candidate_;
  std::optional<Span> doubt_;
};

}  // namespace blowback
