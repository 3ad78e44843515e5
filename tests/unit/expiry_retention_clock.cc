// The time by which data expires: not ahead of the clock, and not following one that jumps, however many programs are started.
#include "expiry/retention_clock.h"
#include "schema_fixture.h"

#include <chrono>
#include <filesystem>

using namespace blowback;
using namespace blowback::schema_test;
using namespace std::chrono_literals;
using expiry::KeptRetentionClock;
using expiry::RetentionClock;
using schema::UpkeepClock;

namespace {

constexpr Duration kDay = std::chrono::days{1};
constexpr UnixTime kHour = std::chrono::floor<std::chrono::hours>(kNow);
constexpr UnixTime kWrong = kHour + 3'650 * kDay;

/// A machine on which programs are started.
struct Machine {
  Uptime uptime{.boot = 1, .awake = 5h};
  std::optional<UpkeepClock> kept;
  std::optional<UnixTime> newest;

  /// The time by which a program expires data that is started now and ends at once.
  UnixTime once(UnixTime clock) {
    RetentionClock started(kept, newest, uptime);
    const auto expiring = started.now(clock, uptime);
    kept = started.to_keep();
    return expiring;
  }
  void reboot() {
    ++*uptime.boot;
    uptime.awake = 1min;
  }
};

Machine in_use() {
  Machine machine;
  machine.kept = UpkeepClock{.time = kHour, .boot = 1, .awake = 5h};
  return machine;
}

}  // namespace

TEST_CASE("in normal use data expires by the clock", "[record][retention]") {
  auto machine = in_use();
  UnixTime clock = kHour;
  for (int minutes = 0; minutes < 3'000; minutes += 5) {
    CHECK(machine.once(clock) == clock);
    machine.uptime.awake += 5min;
    clock += 5min;
  }
  machine.uptime.awake += 30 * 24h;
  CHECK(machine.once(clock + 30 * 24h) == clock + 30 * 24h);
}

TEST_CASE("many starts with a clock that is ahead advance the time by no more than what passes",
          "[record][retention]") {
  auto machine = in_use();
  for (int starts = 0; starts < 1'000; ++starts) CHECK(machine.once(kWrong) == kHour);
  for (int starts = 0; starts < 1'000; ++starts) {
    machine.uptime.awake += 10s;
    machine.once(kWrong);
  }
  CHECK(machine.once(kWrong) <= kHour + 2 * 10'000s);
  CHECK(machine.once(kWrong) > kHour + 10'000s);
}

TEST_CASE("each boot advances the time by a day once, and not with each start", "[record][retention]") {
  auto machine = in_use();
  machine.reboot();
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) <= kHour + kDay + 2min);
  machine.reboot();
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) <= kHour + 2 * kDay + 4min);
  CHECK(machine.once(kWrong) > kHour + kDay);
}

TEST_CASE("without an id of the boot many starts advance it no more, either", "[record][retention]") {
  auto machine = in_use();
  machine.uptime.boot.reset();
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) == kHour);
  machine.uptime.awake = 1min;  // less than it was: another boot
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) <= kHour + kDay + 2min);
  machine.uptime = {.boot = 7, .awake = 2min};  // somebody who may read the id
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) <= kHour + kDay + 4min);
  machine.uptime = {.boot = {}, .awake = 3min};
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) <= kHour + kDay + 6min);
}

TEST_CASE("a program that has run for long advances no more by a jump than one that was just started",
          "[record][retention]") {
  auto machine = in_use();
  RetentionClock clock(machine.kept, {}, machine.uptime);
  for (int hour = 1; hour <= 1'000; ++hour) {
    machine.uptime.awake += 1h;
    CHECK(clock.now(kHour + hour * 1h, machine.uptime) == kHour + hour * 1h);
  }
  CHECK(clock.now(kWrong, machine.uptime) == kHour + 1'000h);
  machine.uptime.awake += 1h;
  CHECK(clock.now(kWrong, machine.uptime) == kHour + 1'002h);
}

TEST_CASE("after a month off it catches up in a month", "[record][retention]") {
  auto machine = in_use();
  machine.reboot();
  UnixTime clock = kHour + 30 * kDay;
  CHECK(machine.once(clock) == kHour + kDay + 2min);
  machine.uptime.awake += 29 * kDay;
  CHECK(machine.once(clock + 29 * kDay) == clock + 29 * kDay);
}

TEST_CASE("a clock that is behind keeps data, whatever was used before", "[record][retention]") {
  CHECK(in_use().once(kHour - 100 * kDay) == kHour - 100 * kDay);
}

TEST_CASE("the time that an earlier version stored is used", "[record][retention]") {
  Machine machine;
  machine.kept = UpkeepClock{.time = kHour, .boot = {}, .awake = {}};
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) == kHour + kDay);
  machine.uptime.awake += 1h;
  CHECK(machine.once(kWrong) == kHour + kDay + 2h);
}

TEST_CASE("in a database without a stored time it starts from the newest record", "[record][retention]") {
  Machine machine;
  machine.newest = kHour - 10 * kDay;
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) <= kHour - 9 * kDay);
}

TEST_CASE("in a new database nothing expires until a day has passed", "[record][retention]") {
  Machine machine;
  const auto past = UnixTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
  for (int starts = 0; starts < 100; ++starts) CHECK(machine.once(kWrong) == past);
  machine.newest = kWrong;  // what was recorded under that clock changes nothing
  machine.uptime.awake += 23h;
  CHECK(machine.once(kWrong) == past);
  machine.reboot();
  CHECK(machine.once(kHour) == past);
  machine.uptime.awake += 1h;
  CHECK(machine.once(kHour) == past);
  CHECK(machine.once(kHour + 1min) == kHour);
  machine.uptime.awake += 1h;
  CHECK(machine.once(kHour + 1h) == kHour + 1h);
}

TEST_CASE("the time is stored before it is used, and nothing expires if that fails", "[record][retention]") {
  static Uptime uptime{.boot = 0xffff'ffff'ffff'ffff, .awake = 5h};
  const auto source = [] { return uptime; };
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = open(file);
  record(store, {incident("192.0.2.1", 1, kNow - 10 * kDay)}, kNow - 10 * kDay);
  CHECK(value(store.newest_time()) == kNow - 10 * kDay);
  for (int starts = 0; starts < 10; ++starts) {
    CHECK(value(KeptRetentionClock(store, source).now(kWrong)) <= kNow - 9 * kDay);
  }
  const auto kept = value(store.upkeep_clock());
  REQUIRE(kept);
  CHECK(kept->boot == uptime.boot);
  CHECK(kept->awake == uptime.awake);
  CHECK(kept->time == std::chrono::floor<std::chrono::hours>(kNow - 9 * kDay));
  auto only_reads = open(file, schema::Store::Mode::read);
  uptime.awake += 24h;
  CHECK_FALSE(KeptRetentionClock(only_reads, source).now(kWrong));
}
