#include "blowback/unix_time.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace blowback {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Unit {
  char letter;
  std::int64_t seconds;
  const char* word;
};
constexpr std::array kUnits{Unit{'w', 604800, "week"}, Unit{'d', 86400, "day"}, Unit{'h', 3600, "hour"},
                            Unit{'m', 60, "minute"}, Unit{'s', 1, "second"}};

/// Removes exactly `width` digits from the beginning of `text`, and returns their value; -1 if there are fewer.
[[nodiscard]] int take_digits(std::string_view& text, std::size_t width) {
  int value = 0;
  if (text.size() < width) return -1;
  for (std::size_t i = 0; i < width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return value;
}

[[nodiscard]] bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string to_iso8601(UnixTime time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 48> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::expected<UnixTime, TimeError> parse_iso8601(std::string_view text) {
  const auto bad = std::unexpected(TimeError{"write the time like 2026-11-24T10:00:00Z"});
  std::string_view rest = text;
  const int year = take_digits(rest, 4);
  if (year < 1970 || !take(rest, "-")) return bad;
  const int month = take_digits(rest, 2);
  if (month < 1 || !take(rest, "-")) return bad;
  const int day = take_digits(rest, 2);
  if (day < 1 || !take(rest, "Tt ")) return bad;
  const int hour = take_digits(rest, 2);
  if (hour < 0 || hour > 23 || !take(rest, ":")) return bad;
  const int minute = take_digits(rest, 2);
  if (minute < 0 || minute > 59 || !take(rest, ":")) return bad;
  const int second = take_digits(rest, 2);
  if (second < 0 || second > 60) return bad;
  if (take(rest, ".")) {
    if (take_digits(rest, 1) < 0) return bad;
    while (take_digits(rest, 1) >= 0) {
    }
  }
  minutes offset{0};
  if (!take(rest, "Zz")) {
    if (rest.empty() || (rest.front() != '+' && rest.front() != '-')) return bad;
    const int sign = rest.front() == '-' ? -1 : 1;
    rest.remove_prefix(1);
    const int offset_hours = take_digits(rest, 2);
    if (offset_hours < 0 || offset_hours > 23 || !take(rest, ":")) return bad;
    const int offset_minutes = take_digits(rest, 2);
    if (offset_minutes < 0 || offset_minutes > 59) return bad;
    offset = sign * (hours{offset_hours} + minutes{offset_minutes});
  }
  if (!rest.empty()) return bad;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return bad;
  const UnixTime time = std::chrono::sys_days{date} + hours{hour} + minutes{minute} + seconds{second} - offset;
  if (time < UnixTime{}) return bad;
  return time;
}

std::expected<Duration, TimeError> parse_duration(std::string_view text) {
  const TimeError bad{"write a whole number and a unit, for example 90s, 5m, 12h, 7d or 4w"};
  if (text.empty()) return std::unexpected(bad);
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at != end) {
    std::int64_t number = 0;
    const auto [after, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || number < 0) return std::unexpected(bad);
    if (after == end) {
      return std::unexpected(
          TimeError{"needs a unit, for example " + std::string(at, after) + "d or " + std::string(at, after) + "h"});
    }
    std::size_t unit = next_unit;
    while (unit < kUnits.size() && kUnits[unit].letter != *after) ++unit;
    if (unit == kUnits.size()) return std::unexpected(bad);
    // A thousand years: more than any setting needs, and far from an overflow.
    constexpr std::int64_t kMost = 1000LL * 366 * 86400;
    if (number > kMost / kUnits[unit].seconds) return std::unexpected(TimeError{"is longer than a thousand years"});
    total += number * kUnits[unit].seconds;
    if (total > kMost) return std::unexpected(TimeError{"is longer than a thousand years"});
    next_unit = unit + 1;
    at = after + 1;
  }
  return Duration{total};
}

std::string to_string(Duration duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text = rest < 0 ? "-" : "";
  rest = std::abs(rest);
  for (const auto& unit : kUnits) {
    // Weeks are parsed but not written: the config has 28d.
    if (unit.letter == 'w') continue;
    if (const std::int64_t count = rest / unit.seconds; count > 0) {
      text += std::to_string(count) + unit.letter;
      rest %= unit.seconds;
    }
  }
  return text;
}

std::string in_words(Duration duration) {
  std::int64_t rest = std::abs(duration.count());
  const auto said = [](std::int64_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
  };
  // Without weeks: "11 days" is the usual form.
  for (std::size_t i = 1; i + 1 < kUnits.size(); ++i) {
    const auto& unit = kUnits[i];
    const auto& smaller = kUnits[i + 1];
    if (rest < unit.seconds) continue;
    rest = (rest + smaller.seconds / 2) / smaller.seconds * smaller.seconds;
    const std::int64_t count = rest / unit.seconds;
    const std::int64_t remainder = rest % unit.seconds / smaller.seconds;
    if (remainder == 0) return said(count, unit.word);
    return said(count, unit.word) + " " + said(remainder, smaller.word);
  }
  return said(rest, "second");
}

}  // namespace blowback
