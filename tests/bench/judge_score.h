// Expected and actual verdicts: tables, shares and their intervals, for judge_quality.
#pragma once

#include "blowback/kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::bench {

inline constexpr double kWantedFound = 99.5;
inline constexpr double kWantedKind = 98;
inline constexpr double kWantedCause = 95;

[[nodiscard]] inline std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t end = text.find(at);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

struct Label {
  std::vector<std::string> kinds;  ///< each of them is right
  std::vector<std::string> causes;

  [[nodiscard]] bool is_backscatter() const {
    const auto kind = kind_named(kinds.front());
    return kind && blowback::is_backscatter(*kind);
  }
  [[nodiscard]] bool has_cause() const { return is_backscatter() && causes.front() != "-"; }
  [[nodiscard]] bool kind_is_right(Kind kind) const {
    if (!is_backscatter()) return !blowback::is_backscatter(kind);
    return std::ranges::find(kinds, name_of(kind)) != kinds.end();
  }
  [[nodiscard]] bool cause_is_right(Cause cause) const {
    return !has_cause() || std::ranges::find(causes, name_of(cause)) != causes.end();
  }
};

/// By file name.
[[nodiscard]] inline std::map<std::string, Label> read_labels(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path + ": can't be read");
  std::map<std::string, Label> out;
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> columns = split(line, '\t');
    if (columns.size() < 3) throw std::runtime_error(path + ": a line without three columns: " + line);
    out[columns[0]] = {split(columns[1], '|'), split(columns[2], '|')};
  }
  return out;
}

[[nodiscard]] inline double percent(std::size_t part, std::size_t all) {
  return all == 0 ? 100 : 100 * static_cast<double>(part) / static_cast<double>(all);
}

struct Interval {
  double low = 0;  ///< per cent
  double high = 100;
};

/// In which the true share is with a probability of 95 %: Wilson's score interval, which also holds for few messages and for shares near 0 and 1.
/// Of nothing it is everything.
[[nodiscard]] inline Interval wilson(std::size_t part, std::size_t all) {
  if (all == 0) return {};
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(all);
  const double share = static_cast<double>(part) / n;
  const double middle = share + kZ * kZ / (2 * n);
  const double half = kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  const double scale = 1 + kZ * kZ / n;
  return {.low = 100 * std::max(0.0, (middle - half) / scale), .high = 100 * std::min(1.0, (middle + half) / scale)};
}

class Score {
 public:
  void count(const std::string& file, const Label& label, std::string_view kind, bool says_backscatter,
             std::string_view cause) {
    ++table_[label.kinds.front()][std::string(kind)];
    columns_.insert(std::string(kind));
    if (!label.is_backscatter()) {
      ++others_;
      if (says_backscatter) mistake("FALSE POSITIVE", file, label.kinds.front(), kind, false_positives_);
      return;
    }
    ++backscatter_;
    if (!says_backscatter) {
      mistake("MISSED", file, label.kinds.front(), kind, missed_);
    } else if (std::ranges::find(label.kinds, kind) == label.kinds.end()) {
      mistake("WRONG KIND", file, label.kinds.front(), kind, wrong_);
    }
    if (!label.has_cause()) return;
    ++with_cause_;
    if (std::ranges::find(label.causes, cause) == label.causes.end()) {
      mistake("WRONG CAUSE", file, label.causes.front(), cause, wrong_cause_);
    }
  }

  void print_mistakes() const {
    for (const std::string& line : mistakes_) fmt::print("{}\n", line);
  }

  void print_table() const {
    fmt::print("\n{:<18}", "label \\ verdict");
    for (const std::string& column : columns_) fmt::print("{:>16}", column);
    fmt::print("\n");
    for (const auto& [label, said] : table_) {
      fmt::print("{:<18}", label);
      for (const std::string& column : columns_) {
        const auto cell = said.find(column);
        fmt::print("{:>16}", cell == said.end() ? std::string(".") : std::to_string(cell->second));
      }
      fmt::print("\n");
    }
  }

  /// Whether it is good enough.
  [[nodiscard]] bool print_sum() const {
    fmt::print(
        "\nfound {}/{} ({:.2f} %, wanted {})   right kind {} ({:.2f} %, wanted {})   right cause {}/{} ({:.2f} %, "
        "wanted {})\n",
        found(), backscatter_, percent(found(), backscatter_), kWantedFound, right_kind(),
        percent(right_kind(), backscatter_), kWantedKind, right_cause(), with_cause_,
        percent(right_cause(), with_cause_), kWantedCause);
    fmt::print("false positives {} of {} (required 0)\n", false_positives_, others_);
    return percent(found(), backscatter_) >= kWantedFound && percent(right_kind(), backscatter_) >= kWantedKind &&
           percent(right_cause(), with_cause_) >= kWantedCause && false_positives_ == 0;
  }

  /// The head of the table whose lines `print_row` prints.
  static void print_head(std::string_view title) {
    fmt::print("\n{:<24}{:>30}{:>30}{:>30}{:>30}\n", title, "found", "right kind", "right cause", "false positives");
  }
  /// Each share with its interval.
  void print_row(std::string_view name) const {
    fmt::print("{:<24}{:>30}{:>30}{:>30}{:>30}\n", name, share(found(), backscatter_),
               share(right_kind(), backscatter_), share(right_cause(), with_cause_), share(false_positives_, others_));
  }

 private:
  [[nodiscard]] std::size_t found() const { return backscatter_ - missed_; }
  [[nodiscard]] std::size_t right_kind() const { return found() - wrong_; }
  [[nodiscard]] std::size_t right_cause() const { return with_cause_ - wrong_cause_; }

  [[nodiscard]] static std::string share(std::size_t part, std::size_t all) {
    if (all == 0) return "-";
    const Interval within = wilson(part, all);
    return fmt::format("{}/{} {:.1f} % ({:.1f}-{:.1f})", part, all, percent(part, all), within.low, within.high);
  }

  void mistake(std::string_view what, const std::string& file, std::string_view wanted, std::string_view said,
               std::size_t& counter) {
    ++counter;
    mistakes_.push_back(fmt::format("{:<15} {}: {}, said {}", what, file, wanted, said));
  }

  std::map<std::string, std::map<std::string, std::size_t>> table_;
  std::set<std::string> columns_;
  std::vector<std::string> mistakes_;
  std::size_t backscatter_ = 0, missed_ = 0, wrong_ = 0, with_cause_ = 0, wrong_cause_ = 0;
  std::size_t others_ = 0, false_positives_ = 0;
};

}  // namespace blowback::bench
