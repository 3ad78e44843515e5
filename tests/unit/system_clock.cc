#include "catch.h"
#include "system/daemon_clock.h"
#include "system/guarded_clock.h"

#include <algorithm>
#include <cstdint>
#include <random>

using namespace blowback;
using namespace std::chrono_literals;
using Time = GuardedClock::Time;
using Span = GuardedClock::Span;

namespace {

constexpr Time kStart{std::chrono::seconds{1'795'514'400}};  // 2026-11-24T10:00:00Z
constexpr Span kBooted = 1h;

/// A machine whose clock can be set: `error` is its difference from `true_time`.
struct Machine {
  Span since_boot = kBooted;
  Span error{};

  [[nodiscard]] Time true_time() const { return kStart + (since_boot - kBooted); }
  [[nodiscard]] ClockReading read() const { return {.wall = true_time() + error, .since_boot = since_boot}; }
};

/// Reads the clock each second for a while. Returns the error of the last reading in seconds.
std::int64_t run(Machine& machine, GuardedClock& clock, Span length) {
  const Span end = machine.since_boot + length;
  Time last{};
  while (machine.since_boot < end) {
    machine.since_boot += 1s;
    last = clock.read(machine.read());
  }
  return std::chrono::floor<std::chrono::seconds>(last - machine.true_time()).count();
}

}  // namespace

TEST_CASE("a step of the clock for a minute has no effect, and the doubt ends with it", "[system][clock]") {
  const Span error =
      GENERATE(Span(960h), Span(-24h), Span(Time(std::chrono::sys_days{std::chrono::year{2038} / 1 / 19}) - kStart),
               Span(Time(std::chrono::sys_days{std::chrono::year{2106} / 2 / 7}) - kStart), Span(11s), Span(-11s));
  CAPTURE(error.count());
  Machine machine;
  GuardedClock clock(machine.read());
  run(machine, clock, 1h);
  machine.error = error;
  CHECK(run(machine, clock, 1min) == 0);
  CHECK(clock.doubt() == error);
  machine.error = 0s;
  CHECK(run(machine, clock, 1s) == 0);
  CHECK_FALSE(clock.doubt());
}

TEST_CASE("a new time that lasts is trusted after ten minutes, and not before", "[system][clock]") {
  Machine machine;
  GuardedClock clock(machine.read());
  run(machine, clock, 1h);
  machine.error = 960h;
  run(machine, clock, GuardedClock::kPatience);
  CHECK(clock.doubt() == machine.error);
  CHECK(run(machine, clock, 1s) == 960 * 3600);
  CHECK_FALSE(clock.doubt());
  // After that, this time is the trusted one.
  machine.error = 0s;
  CHECK(run(machine, clock, 1min) == 960 * 3600);
}

TEST_CASE("a daemon that was started under a wrong clock trusts it no longer than it has run", "[system][clock]") {
  Machine machine{.error = 960h};
  GuardedClock clock(machine.read());
  CHECK(run(machine, clock, 30s) == 960 * 3600);
  CHECK_FALSE(clock.doubt());
  machine.error = 0s;
  run(machine, clock, 20s);
  CHECK(clock.doubt() == Span(-960h));
  CHECK(run(machine, clock, 20s) == 0);
  CHECK_FALSE(clock.doubt());
}

TEST_CASE("a clock that shows a time before this program was written is doubted from the start, and left at once",
          "[system][clock]") {
  Machine machine{.error = -(kStart - Time{})};
  GuardedClock clock(machine.read());
  CHECK(clock.doubt() == Span{0});
  run(machine, clock, 1h);
  CHECK(clock.doubt() == Span{0});
  machine.error = 0s;
  CHECK(run(machine, clock, 1s) == 0);
  CHECK_FALSE(clock.doubt());
  machine.error = -(kStart - Time{});
  CHECK(run(machine, clock, 24h) == 0);
  CHECK(clock.doubt() == machine.error);
}

TEST_CASE("a clock that steps from one wrong time to the next is never trusted", "[system][clock]") {
  Machine machine;
  GuardedClock clock(machine.read());
  run(machine, clock, 1h);
  for (int i = 0; i < 20; ++i) {
    machine.error = 960h + i * 1h;
    CHECK(run(machine, clock, 9min) == 0);
    CHECK(clock.doubt() == machine.error);
  }
}

TEST_CASE("a slewed clock is followed without doubt, however far it goes", "[system][clock]") {
  Machine machine;
  GuardedClock clock(machine.read());
  for (int i = 0; i < 100'000; ++i) {
    machine.since_boot += 1s;
    machine.error += 3ms;
    CHECK(clock.read(machine.read()) == machine.true_time() + machine.error);
  }
  CHECK_FALSE(clock.doubt());
}

TEST_CASE(
    "between two readings the clock advances by the time that has passed, unless it adopts a time that has lasted",
    "[system][clock][property]") {
  std::mt19937 random(11);
  int steps = 0;
  for (int round = 0; round < 200; ++round) {
    Machine machine;
    GuardedClock clock(machine.read());
    Time before = clock.read(machine.read());
    Span believed_since = machine.since_boot;
    Span first_read = machine.since_boot;  // with the present error
    for (int i = 0; i < 300; ++i) {
      const Span passed = std::chrono::milliseconds{random() % 60'000};
      machine.since_boot += passed;
      if (random() % 20 == 0) {
        const Span error{random() % 2 == 0 ? 0 : static_cast<int>(random() % 2'000'000'000) - 1'000'000'000};
        if (error != machine.error) first_read = machine.since_boot;
        machine.error = error;
      }
      const Time now = clock.read(machine.read());
      const Span moved = now - before - passed;
      CAPTURE(round, i, moved.count());
      if (std::chrono::abs(moved) > GuardedClock::kSlew) {
        ++steps;
        CHECK(now == machine.read().wall);
        CHECK(machine.since_boot - first_read >= std::min(GuardedClock::kPatience, first_read - believed_since));
        believed_since = first_read;
      }
      // In doubt exactly while the two differ.
      CHECK(clock.doubt().has_value() == (std::chrono::abs(machine.read().wall - now) > GuardedClock::kSlew));
      before = now;
    }
  }
  CHECK(steps > 100);
}

namespace {
ClockReading g_reading{.wall = kStart, .since_boot = kBooted};  // NOLINT: a source is a plain function
}

TEST_CASE("a glance uses the last decision", "[system][clock]") {
  g_reading = {.wall = kStart, .since_boot = kBooted};
  DaemonClock clock([] { return g_reading; });
  for (int i = 0; i < 60; ++i) {
    g_reading = {.wall = g_reading.wall + 10s, .since_boot = g_reading.since_boot + 10s};
    CHECK(clock.now() == clock.glance());
  }
  const UnixTime right = clock.now();
  g_reading.wall += 960h;
  CHECK(clock.glance() == right);
  CHECK(clock.now() == right);
  CHECK(clock.doubt() == Span(960h));
  g_reading.since_boot += 5s;
  g_reading.wall += 5s;
  CHECK(clock.glance() == right + Duration{5});
}

TEST_CASE("both of the system's clocks advance", "[system][clock]") {
  const auto first = read_system_clocks();
  const auto second = read_system_clocks();
  CHECK(first.wall > GuardedClock::kEarliest);
  CHECK(second.since_boot >= first.since_boot);
}
