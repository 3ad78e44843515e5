#include "output.h"

#include "blowback/prefix.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace blowback::cli {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

/// The number of characters, not octets: the width on a terminal, except for scripts with wide characters.
[[nodiscard]] std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string words_of(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, " "));
}

/// `short_times`: without the relative time.
[[nodiscard]] std::string for_people(const Cell& cell, UnixTime now, bool times_in_short = false) {
  const auto text = [](const std::string& value) { return value.empty() ? "-" : harmless(value); };
  return std::visit(
      Overloaded{[](std::monostate) { return std::string("-"); }, [&](const std::string& value) { return text(value); },
                 [](std::uint64_t number) { return std::to_string(number); },
                 [](double number) { return fmt::format("{:.2f}", number); },
                 [](bool yes) { return std::string(yes ? "yes" : "no"); },
                 [&](UnixTime time) { return times_in_short ? minute(time) : when(time, now); },
                 [&](const std::vector<std::string>& list) { return text(words_of(list)); }},
      cell);
}

[[nodiscard]] Json for_json(const Cell& cell) {
  return std::visit(Overloaded{[](std::monostate) { return Json(); },
                               [](const std::string& text) { return text.empty() ? Json() : Json(text); },
                               [](UnixTime time) { return Json(to_iso8601(time)); },
                               [](const std::vector<std::string>& list) {
                                 Json array = Json::array();
                                 for (const auto& one : list) array.push_back(one);
                                 return array;
                               },
                               [](const auto& value) { return Json(value); }},
                    cell);
}

/// RFC 4180 §2: quoted if it contains a quote, a comma or a line break.
[[nodiscard]] std::string for_csv(const Cell& cell) {
  std::string text = std::visit(
      Overloaded{[](std::monostate) { return std::string(); }, [](const std::string& value) { return value; },
                 [](std::uint64_t number) { return std::to_string(number); },
                 [](double number) { return fmt::format("{}", number); },
                 [](bool yes) { return std::string(yes ? "true" : "false"); },
                 [](UnixTime time) { return to_iso8601(time); },
                 [](const std::vector<std::string>& list) { return words_of(list); }},
      cell);
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

/// Throws std::system_error if it can't write; tool.cc catches it.
void write(std::FILE* out, const std::string& text) { fmt::print(out, "{}", text); }

/// Stored text should be valid UTF-8. If it isn't, invalid bytes are replaced.
[[nodiscard]] std::string text_of(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// At most `most` characters; the last is … if it was shortened.
[[nodiscard]] std::string cut_to(const std::string& text, std::size_t most) {
  if (width_of(text) <= most) return text;
  std::string kept;
  std::size_t characters = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
    if (begins && ++characters == most) break;
    kept += c;
  }
  return kept + "…";
}

/// How many rows are kept back to measure the columns.
constexpr std::size_t kMeasured = 1000;
constexpr std::size_t kGap = 2;  // blanks between columns
/// Texts are shortened to no less than this.
constexpr std::size_t kReadable = 24;

/// The width of the shown columns.
[[nodiscard]] std::size_t sum_of(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (const auto width : widths) sum += width == 0 ? 0 : width + (sum == 0 ? 0 : kGap);
  return sum;
}

/// Narrows the widest column that may be shortened, one character at a time, until all fit. False: they don't.
bool narrow(std::vector<std::size_t>& widths, const std::vector<bool>& may_be_cut, std::size_t width) {
  while (sum_of(widths) > width) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (may_be_cut[i] && widths[i] > kReadable && (widest == nullptr || widths[i] > *widest)) widest = &widths[i];
    }
    if (widest == nullptr) return false;
    --*widest;
  }
  return true;
}

[[nodiscard]] bool is_text(const Cell& cell) {
  return std::holds_alternative<std::string>(cell) || std::holds_alternative<std::vector<std::string>>(cell);
}

/// An address or a network: shortened, it would be a different one.
[[nodiscard]] bool is_address(const Cell& cell) {
  const auto* const text = std::get_if<std::string>(&cell);
  return text != nullptr && Prefix::parse(*text).has_value();
}

[[nodiscard]] bool is_nothing(const Cell& cell) {
  return std::visit(
      Overloaded{[](std::monostate) { return true; }, [](const std::string& text) { return text.empty(); },
                 [](const std::vector<std::string>& list) { return list.empty(); }, [](const auto&) { return false; }},
      cell);
}

[[nodiscard]] std::string for_heading(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

}  // namespace

RowPrinter::RowPrinter(std::FILE* out, std::vector<std::string> columns, const Look& look)
    : out_(out), columns_(std::move(columns)), look_(look) {
  if (look_.format == Format::csv) {
    std::string line;
    for (const auto& name : columns_) line += (line.empty() ? "" : ",") + for_csv(Cell(name));
    write(out_, line + "\r\n");
  }
  if (look_.format == Format::json) write(out_, "[");
}

void RowPrinter::add(std::vector<Cell> row) {
  if (look_.format == Format::table && widths_.empty()) {
    waiting_.push_back(std::move(row));
    if (waiting_.size() == kMeasured) measure(/*all_are_known=*/false);
    return;
  }
  print_row(row);
}

void RowPrinter::end() {
  if (look_.format == Format::json) write(out_, printed_any_ ? "\n]\n" : "]\n");
  if (look_.format == Format::table && widths_.empty()) measure(/*all_are_known=*/true);
}

/// Decides which columns are shown and how wide, or that rows are printed as blocks. Then prints the heading and the kept rows.
void RowPrinter::measure(bool all_are_known) {
  may_be_cut_.assign(columns_.size(), false);
  is_shown_.assign(columns_.size(), true);
  for (std::size_t i = 1; i < columns_.size(); ++i) {
    const auto holds = [&](auto is_it) {
      return std::ranges::any_of(waiting_, [&](const std::vector<Cell>& row) { return is_it(row[i]); });
    };
    may_be_cut_[i] = holds(is_text) && !holds(is_address);
  }
  widths_ = widest();
  if (look_.width > 0 && !waiting_.empty() && !fits(look_.width, all_are_known)) in_blocks_ = true;
  if (!in_blocks_) print_heading();
  for (const auto& row : waiting_) print_row(row);
  waiting_.clear();
  waiting_.shrink_to_fit();
}

/// The width of each column, by the kept rows and the heading; 0 for columns that aren't shown.
std::vector<std::size_t> RowPrinter::widest() const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!is_shown_[i]) continue;
    widths[i] = width_of(columns_[i]);
    for (const auto& row : waiting_)
      widths[i] = std::max(widths[i], width_of(for_people(row[i], look_.now, short_times_)));
  }
  return widths;
}

/// Fits the table into `width`, beginning with what the reader misses least: empty columns, then long texts, then relative times.
bool RowPrinter::fits(std::size_t width, bool all_are_known) {
  if (sum_of(widths_) <= width) return true;
  for (std::size_t i = 1; i < columns_.size() && all_are_known; ++i) {
    is_shown_[i] = !std::ranges::all_of(waiting_, [&](const std::vector<Cell>& row) { return is_nothing(row[i]); });
  }
  for (const bool short_times : {false, true}) {
    short_times_ = short_times;
    widths_ = widest();
    if (narrow(widths_, may_be_cut_, width)) return true;
  }
  return false;
}

void RowPrinter::print_row(const std::vector<Cell>& row) {
  const bool is_first = !std::exchange(printed_any_, true);
  std::string text;
  switch (look_.format) {
    case Format::json: {
      Json object;
      for (std::size_t i = 0; i < columns_.size(); ++i) object[columns_[i]] = for_json(row[i]);
      write(out_, (is_first ? "\n " : ",\n ") + text_of(object));
      return;
    }
    case Format::csv:
      for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ",") + for_csv(row[i]);
      write(out_, text + "\r\n");
      return;
    case Format::table:
      if (in_blocks_) {
        write(out_, (is_first ? "" : "\n") + block_of(row));
        return;
      }
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (!is_shown_[i]) continue;
        auto shown = for_people(row[i], look_.now, short_times_);
        if (look_.width > 0 && may_be_cut_[i]) shown = cut_to(shown, widths_[i]);
        text += padded(shown, i);
      }
      write(out_, text + "\n");
      return;
  }
}

void RowPrinter::print_heading() {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (is_shown_[i]) text += padded(for_heading(columns_[i]), i);
  }
  write(out_, heading(text, look_.bold) + "\n");
}

/// One line for each column that isn't empty; long texts continue below their beginning.
std::string RowPrinter::block_of(const std::vector<Cell>& row) const {
  std::size_t name_width = 0;
  for (const auto& name : columns_) name_width = std::max(name_width, width_of(name));
  const auto left = name_width + kGap;
  std::string text;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0 && is_nothing(row[i])) continue;
    auto name = for_heading(columns_[i]);
    name.append(left - width_of(name), ' ');
    text += heading(name, look_.bold);
    std::size_t at = left;
    std::string_view rest;
    const auto value = for_people(row[i], look_.now);
    for (rest = value; !rest.empty();) {
      const auto word = rest.substr(0, rest.find(' '));
      const auto wide = width_of(word);
      if (at > left && at + 1 + wide > look_.width) {
        text += '\n' + std::string(left, ' ');
        at = left;
      } else if (at > left) {
        text += ' ';
        ++at;
      }
      text += word;
      at += wide;
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
    text += '\n';
  }
  return text;
}

/// Padded up to the next column. A row that was added after the measuring may be wider.
std::string RowPrinter::padded(std::string text, std::size_t column) const {
  if (std::find(is_shown_.begin() + static_cast<std::ptrdiff_t>(column) + 1, is_shown_.end(), true) ==
      is_shown_.end()) {
    return text;
  }
  const auto width = width_of(text);
  return text.append(std::max(widths_[column], width) - width + kGap, ' ');
}

void Table::print(std::FILE* out, const Look& look) const {
  RowPrinter printer(out, columns_, look);
  for (const auto& row : rows_) printer.add(row);
  printer.end();
}

void Table::print_figures(std::FILE* out, const Look& look) const {
  if (look.format != Format::json) return print(out, look);
  Json object = Json::object();
  for (const auto& row : rows_) object[std::get<std::string>(row.at(0))] = for_json(row.at(1));
  write(out, text_of(object, 2) + "\n");
}

}  // namespace blowback::cli
