// Measures the judge on labelled mail: a table of expected and actual kinds, every mistake by name, and whether the result is good enough.
//
//   judge_quality --labels LABELS PATH…   files and folders of messages
//   judge_quality PATH…                   prints `path<TAB>kind<TAB>cause` for each; `blowback classify --explain` prints the reasons
//
// A line of LABELS is `file<TAB>kind<TAB>cause`; further columns are ignored. `a|b` accepts either; the cause `-` isn't checked.
// The labels `feedback`, `not_backscatter`, `ham` and `spam` accept both kinds that the judge has for mail that is not backscatter.
// Exits 1 if the result is below the requirement: 99.5 % found, 98 % of the right kind,
// 95 % of the right cause, no false positive.
#include "blowback/kind.h"
#include "blowback/trap_delivery.h"
#include "detect/judge.h"
#include "mail/message.h"
#include "samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace blowback;

constexpr double kWantedFound = 99.5;
constexpr double kWantedKind = 98;
constexpr double kWantedCause = 95;

[[nodiscard]] std::vector<std::string> split(std::string_view text, char at) {
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
};

[[nodiscard]] std::map<std::string, Label> read_labels(const std::string& path) {
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

[[nodiscard]] bool is_backscatter_label(const Label& label) {
  const auto kind = kind_named(label.kinds.front());
  return kind && is_backscatter(*kind);
}

[[nodiscard]] double percent(std::size_t part, std::size_t all) {
  return all == 0 ? 100 : 100 * static_cast<double>(part) / static_cast<double>(all);
}

class Score {
 public:
  void count(const std::string& file, const Label& label, std::string_view kind, bool says_backscatter,
             std::string_view cause) {
    ++table_[label.kinds.front()][std::string(kind)];
    columns_.insert(std::string(kind));
    if (!is_backscatter_label(label)) {
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
    if (label.causes.front() == "-") return;
    ++with_cause_;
    if (std::ranges::find(label.causes, cause) == label.causes.end()) {
      mistake("WRONG CAUSE", file, label.causes.front(), cause, wrong_cause_);
    }
  }

  [[nodiscard]] bool print() const {
    for (const std::string& line : mistakes_) fmt::print("{}\n", line);
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
    const std::size_t found = backscatter_ - missed_;
    const std::size_t kind = found - wrong_;
    const std::size_t cause = with_cause_ - wrong_cause_;
    fmt::print(
        "\nfound {}/{} ({:.2f} %, wanted {})   right kind {} ({:.2f} %, wanted {})   right cause {}/{} ({:.2f} %, "
        "wanted {})\n",
        found, backscatter_, percent(found, backscatter_), kWantedFound, kind, percent(kind, backscatter_), kWantedKind,
        cause, with_cause_, percent(cause, with_cause_), kWantedCause);
    fmt::print("false positives {} of {} (required 0)\n", false_positives_, others_);
    return percent(found, backscatter_) >= kWantedFound && percent(kind, backscatter_) >= kWantedKind &&
           percent(cause, with_cause_) >= kWantedCause && false_positives_ == 0;
  }

 private:
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

}  // namespace

int main(int argc, char** argv) try {
  std::string labels_file;
  std::vector<bench::Sample> samples;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--labels" && i + 1 < arguments.size()) {
      labels_file = arguments[++i];
    } else {
      bench::add_samples(arguments[i], samples);
    }
  }
  const bool scores = !labels_file.empty();
  const auto labels = scores ? read_labels(labels_file) : std::map<std::string, Label>();
  Score score;
  std::size_t without_label = 0;
  for (const bench::Sample& sample : samples) {
    const auto message = mail::parse(sample.bytes, {});
    const Verdict verdict = message ? detect::judge({}, *message, {}) : Verdict{};
    const std::string_view kind = message ? name_of(verdict.kind) : "-";
    const std::string_view cause = message ? name_of(verdict.cause) : "-";
    const std::string file = std::filesystem::path(sample.path).filename().string();
    if (!scores) {
      fmt::print("{}\t{}\t{}\n", sample.path, kind, cause);
    } else if (const auto label = labels.find(file); label != labels.end()) {
      score.count(file, label->second, kind, is_backscatter(verdict.kind), cause);
    } else {
      ++without_label;
    }
  }
  if (!scores) return 0;
  if (without_label > 0) fmt::print("{} messages have no label\n", without_label);
  return score.print() ? 0 : 1;
} catch (const std::exception& problem) {
  fmt::print(stderr, "judge_quality: {}\n", problem.what());
  return 3;
}
