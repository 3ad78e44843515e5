// Times and durations as text.
#include "blowback/unix_time.h"
#include "catch.h"

using blowback::Duration;
using blowback::in_words;
using blowback::parse_duration;
using blowback::parse_iso8601;
using blowback::to_iso8601;
using blowback::UnixTime;

TEST_CASE("RFC 3339 is read with offset and fraction and written in UTC", "[core]") {
  const auto [text, written] = GENERATE(table<std::string, std::string>({
      {"2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"},
      {"2026-11-24t10:00:00.123456z", "2026-11-24T10:00:00Z"},
      {"2026-11-24 10:00:00+02:00", "2026-11-24T08:00:00Z"},
      {"2024-02-29T23:59:60Z", "2024-03-01T00:00:00Z"},
      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
  }));
  CAPTURE(text);
  const auto time = parse_iso8601(text);
  REQUIRE(time);
  CHECK(to_iso8601(*time) == written);
}

TEST_CASE("what is no time is refused with an example", "[core]") {
  const std::string text =
      GENERATE("", "2026-11-24", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-24T25:00:00Z",
               "2026-11-24T10:00:00", "2026-11-24T10:00:00Zx", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00");
  CAPTURE(text);
  const auto time = parse_iso8601(text);
  REQUIRE_FALSE(time);
  CHECK(time.error().text.find("2026-11-24T10:00:00Z") != std::string::npos);
}

TEST_CASE("durations read back as they are written", "[core]") {
  const auto [text, seconds, written] =
      GENERATE(table<std::string, std::int64_t, std::string>({{"7d", 604800, "7d"},
                                                              {"1d12h", 129600, "1d12h"},
                                                              {"90s", 90, "1m30s"},
                                                              {"4w", 2419200, "28d"},
                                                              {"0s", 0, "0s"},
                                                              {"5m", 300, "5m"}}));
  CAPTURE(text);
  const auto duration = parse_duration(text);
  REQUIRE(duration);
  CHECK(duration->count() == seconds);
  CHECK(blowback::to_string(*duration) == written);
  CHECK(*parse_duration(written) == *duration);
}

TEST_CASE("a duration without a unit says which units there are", "[core]") {
  CHECK(parse_duration("7").error().text == "needs a unit, for example 7d or 7h");
  const std::string text =
      GENERATE("", "d", "-1d", "1.5d", "1h1d", "1d1d", "9999999999w", "1 d", "99999999999999999999s");
  CAPTURE(text);
  CHECK_FALSE(parse_duration(text));
}

TEST_CASE("spans are said in two units at most", "[core]") {
  const auto [seconds, words] = GENERATE(table<std::int64_t, std::string>({{0, "0 seconds"},
                                                                           {1, "1 second"},
                                                                           {59, "59 seconds"},
                                                                           {60, "1 minute"},
                                                                           {61, "1 minute 1 second"},
                                                                           {3600, "1 hour"},
                                                                           {7265, "2 hours 1 minute"},
                                                                           {957600, "11 days 2 hours"},
                                                                           {-60, "1 minute"},
                                                                           {86399, "24 hours"}}));
  CAPTURE(seconds);
  CHECK(in_words(Duration{seconds}) == words);
}
