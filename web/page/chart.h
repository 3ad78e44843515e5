// Pictures for the pages, as inline SVG: drawn by the server, without script, and styled by the page's stylesheet.
//
// Every coordinate is within the picture, whatever the numbers are.
#pragma once

#include "account/account.h"
#include "blowback/policy.h"
#include "blowback/unix_time.h"
#include "html.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::page {

struct ScoreChart {
  std::string title;  ///< for those who can't see it; likewise `text`
  std::string text;
  std::string now;          ///< labels
  std::string ends;         //
  std::string listed_from;  //
  std::string over_at;      //
};

/// The score from the oldest term that is shown until the listing's end, or until it has faded to `delist_below`; with the thresholds, the incidents,
/// the present, and the end. Empty if the account has no score. Pure.
[[nodiscard]] Html score_chart(const account::Account& account, const Policy& policy, UnixTime now,
                               const ScoreChart& labels);

struct Day {
  UnixTime day{};
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
};

/// Bars upwards for what began on each day, and downwards for what ended. Empty if there are no days. Pure.
[[nodiscard]] Html days_chart(const std::vector<Day>& days, std::string_view title, std::string_view began,
                              std::string_view ended);

/// A row of small bars without labels, of the height of a line. Pure.
[[nodiscard]] Html spark(const std::vector<std::uint64_t>& values, std::string_view title);

}  // namespace blowback::page
