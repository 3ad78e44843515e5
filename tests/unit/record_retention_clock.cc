// The time by which things expire: not ahead of the clock, and not led astray by one that jumps.
#include "record/retention_clock.h"

#include <catch2/catch.hpp>

#include <chrono>

using namespace blowback;
using record::RetentionClock;

namespace {

constexpr UnixTime kNow{Duration{1'780'000'000}};
constexpr RetentionClock::Steady kStarted{std::chrono::hours{5}};
constexpr Duration kDay = std::chrono::days{1};

}  // namespace

TEST_CASE("a new database believes the clock", "[record][retention]") {
  CHECK(RetentionClock(std::nullopt, kStarted).now(kNow, kStarted) == kNow);
}

TEST_CASE("after a normal pause things expire by the clock", "[record][retention]") {
  const RetentionClock clock(kNow - std::chrono::hours{20}, kStarted);
  CHECK(clock.now(kNow, kStarted) == kNow);
  CHECK(clock.now(kNow + kDay, kStarted + kDay) == kNow + kDay);
}

TEST_CASE("a program that is started ten years ahead removes a day's worth too early, not ten years'",
          "[record][retention]") {
  const RetentionClock clock(kNow, kStarted);
  const UnixTime wrong = kNow + 3'650 * kDay;
  CHECK(clock.now(wrong, kStarted) == kNow + kDay);
  CHECK(clock.now(wrong + std::chrono::hours{1}, kStarted + std::chrono::hours{1}) ==
        kNow + kDay + std::chrono::hours{2});
}

TEST_CASE("after a month off it catches up in a month", "[record][retention]") {
  const RetentionClock clock(kNow - 30 * kDay, kStarted);
  CHECK(clock.now(kNow, kStarted) == kNow - 29 * kDay);
  CHECK(clock.now(kNow + 30 * kDay, kStarted + 30 * kDay) == kNow + 30 * kDay);
}

TEST_CASE("a clock that is behind keeps things, whatever was used before", "[record][retention]") {
  const RetentionClock clock(kNow, kStarted);
  CHECK(clock.now(kNow - 100 * kDay, kStarted) == kNow - 100 * kDay);
}
