#include "findings.h"

#include <fmt/format.h>

#include <algorithm>

namespace blowback::cli {
namespace {

constexpr std::array<std::string_view, 3> kColours{"\033[32m", "\033[33m", "\033[1;31m"};
constexpr std::size_t kLongestFound = 1000;

}  // namespace

void Findings::good(std::string check, std::string found, std::string source) {
  findings_.push_back({.grade = Grade::good,
                       .check = std::move(check),
                       .source = std::move(source),
                       .found = std::move(found),
                       .advice = {}});
}

void Findings::doubtful(std::string check, std::string found, std::string advice, std::string source) {
  findings_.push_back({.grade = Grade::doubtful,
                       .check = std::move(check),
                       .source = std::move(source),
                       .found = std::move(found),
                       .advice = std::move(advice)});
}

void Findings::bad(std::string check, std::string found, std::string advice, std::string source) {
  findings_.push_back({.grade = Grade::bad,
                       .check = std::move(check),
                       .source = std::move(source),
                       .found = std::move(found),
                       .advice = std::move(advice)});
}

bool Findings::any_bad() const { return std::ranges::find(findings_, Grade::bad, &Finding::grade) != findings_.end(); }

void Findings::print(const Context& context, const Wording& wording) const {
  if (context.format == Format::table) {
    print_for_people(context, wording);
    return;
  }
  std::vector<std::string> columns{"check", std::string(wording.grade)};
  if (wording.has_source) columns.emplace_back("source");
  columns.emplace_back("found");
  columns.emplace_back(wording.advice);
  Table table(columns);
  for (const auto& finding : findings_) {
    std::vector<Cell> row{Cell(finding.check), cell(wording.grades.at(static_cast<std::size_t>(finding.grade)))};
    if (wording.has_source) row.emplace_back(finding.source);
    row.emplace_back(finding.found);
    row.emplace_back(finding.advice);
    table.add(std::move(row));
  }
  context.print(table);
}

void Findings::print_for_people(const Context& context, const Wording& wording) const {
  const auto widest = [&](auto text_of) {
    std::size_t width = 0;
    for (const auto& finding : findings_) width = std::max(width, text_of(finding).size());
    return width;
  };
  std::size_t grade_width = 0;
  for (const auto& word : wording.grades) grade_width = std::max(grade_width, word.size());
  // `§` is two octets, but one character. fmt pads by characters.
  const auto source_width = wording.has_source ? widest([](const Finding& each) { return each.source; }) : 0;
  const auto check_width = widest([](const Finding& each) { return each.check; });
  std::array<std::size_t, 3> sums{};
  for (const auto& finding : findings_) {
    const auto index = static_cast<std::size_t>(finding.grade);
    ++sums.at(index);
    const auto word = fmt::format("{:<{}}", wording.grades.at(index), grade_width);
    std::string line = context.bold ? fmt::format("{}{}\033[0m", kColours.at(index), word) : word;
    if (wording.has_source) line += fmt::format("  {:<{}}", finding.source, source_width);
    line += fmt::format("  {:<{}}", finding.check, check_width);
    context.print_line(line + "  " + harmless(finding.found, kLongestFound));
    if (finding.advice.empty()) continue;
    context.print_line(
        fmt::format("{:{}}  {}: {}", "", grade_width, wording.advice, harmless(finding.advice, kLongestFound)));
  }
  const auto counted = [&](std::size_t grade) {
    // `ok`, `pass`, `note` and `fail` have no plural here.
    const auto word = wording.grades.at(grade);
    const bool is_noun = word == "warning" || word == "problem";
    return fmt::format("{} {}{}", sums.at(grade), word, is_noun && sums.at(grade) != 1 ? "s" : "");
  };
  context.print_line(fmt::format("{}, {}, {}", counted(0), counted(1), counted(2)));
}

}  // namespace blowback::cli
