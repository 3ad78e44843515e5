// Pictures: every coordinate is within the picture, whatever the numbers are.
#include "account/account.h"
#include "account_fixture.h"
#include "catch.h"
#include "chart.h"

#include <fmt/format.h>

#include <limits>
#include <regex>
#include <string>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;

namespace {

const page::ScoreChart kLabels{};

/// Fails if a number of an attribute is outside of the viewBox, or is no number.
void check_bounds(const std::string& svg) {
  CAPTURE(svg);
  CHECK_FALSE(svg.contains("nan"));
  CHECK_FALSE(svg.contains("inf"));
  std::smatch box;
  REQUIRE(std::regex_search(svg, box, std::regex(R"re(viewBox="0 0 (\d+) (\d+)")re")));
  const double width = std::stod(box[1]);
  const double height = std::stod(box[2]);
  const auto within = [&](const std::string& pattern, double most) {
    const std::regex attribute(pattern);
    for (std::sregex_iterator at(svg.begin(), svg.end(), attribute), end; at != end; ++at) {
      const double value = std::stod((*at)[1]);
      CHECK(value >= -0.05);
      CHECK(value <= most + 0.05);
    }
  };
  within(R"re( (?:x|x1|x2|cx|width)="([^"]*)")re", width);
  within(R"re( (?:y|y1|y2|cy|height)="([^"]*)")re", height);
  within(R"re([ML]([-\d.]+) [-\d.]+)re", width);
  within(R"re([ML][-\d.]+ ([-\d.]+))re", height);
}

account::Account listed() {
  auto dossier = dossier_of({incident(kNow - hours(2), "b@trap.example.net", "c2", 0.5),
                             incident(kNow - days(9), "a@trap.example.net", "c1", 3)});
  dossier.listings = {automatic(kNow - hours(3), kNow + days(11))};
  return account::account_of(dossier, {}, kNow, account::kMostTerms);
}

}  // namespace

TEST_CASE("the picture of a score has its thresholds, incidents, present and end, within its bounds", "[page][chart]") {
  const auto svg = page::score_chart(listed(), {}, kNow,
                                     {.title = "a <title>",
                                      .text = "words",
                                      .now = "now",
                                      .ends = "ends",
                                      .listed_from = "from",
                                      .over_at = "over"})
                       .text;
  check_bounds(svg);
  CHECK_THAT(svg, Contains("<title>a &lt;title&gt;</title><desc>words</desc>") && Contains("ends 12-05") &&
                      Contains(">3.0<") && Contains(">1.0<"));
  const std::regex incident_dot("<circle");
  CHECK(std::distance(std::sregex_iterator(svg.begin(), svg.end(), incident_dot), {}) == 2);
}

TEST_CASE("extreme numbers stay within the picture", "[page][chart]") {
  auto account = listed();
  const double value = GENERATE(0.0, 1e-300, 0.004, 1e6, 1e300, std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN());
  account.terms.front().left = value;
  account.older = value;
  account.score = 2;
  Policy policy;
  policy.half_life = GENERATE(Duration{1}, Duration{86'400}, Duration{86'400L * 3'653});
  check_bounds(page::score_chart(account, policy, kNow, kLabels).text);
}

TEST_CASE("a sender without a score has no picture", "[page][chart]") {
  CHECK(page::score_chart(account::account_of(dossier_of({}), {}, kNow, 20), {}, kNow, kLabels).text.empty());
}

TEST_CASE("bars of days are within their bounds, also if there is nothing or very much", "[page][chart]") {
  std::vector<page::Day> days;
  for (int i = 0; i < 90; ++i) {
    days.push_back({.day = kNow - blowback::cli_test::days(90 - i),
                    .began = i == 3 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(i),
                    .ended = i == 9 ? 1'000'000U : 0U});
  }
  check_bounds(page::days_chart(days, "t", "b", "e").text);
  check_bounds(page::days_chart({{.day = kNow}}, "t", "b", "e").text);
  CHECK(page::days_chart({}, "t", "b", "e").text.empty());
  check_bounds(page::spark({0, 1, 1'000'000'000'000}, "t").text);
}
