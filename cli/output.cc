// Printing in three formats.
#include "output.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace blowback::cli {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

/// Characters, not octets: what a monospaced terminal counts, but for the few wide scripts.
[[nodiscard]] std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string words_of(const std::vector<std::string>& list) {
  return fmt::format("{}", fmt::join(list, " "));
}

/// `times_in_short`: without how long ago.
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

/// RFC 4180 §2: quoted where it holds a quote, a comma or a line end.
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

/// Throws std::system_error where it can't write (tool.cc).
void put(std::FILE* out, const std::string& text) { fmt::print(out, "{}", text); }

/// Stored text is valid UTF-8; should a byte of it not be, it is replaced rather than the output refused.
[[nodiscard]] std::string text_of(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

/// At most `most` characters, the last of them … where it was cut.
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

/// How many rows are held back to see how wide columns are.
constexpr std::size_t kMeasured = 1000;
constexpr std::size_t kGap = 2;  // blanks between columns
/// Texts are cut to no less than this: first so that one can read them, then, if need be, so that one can tell them apart.
constexpr std::size_t kReadable = 24;
constexpr std::size_t kRecognizable = 8;

[[nodiscard]] std::size_t sum_of(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
}

/// Narrows the widest of the columns that may be cut, one character at a time, down to `least`, until all fit. False: they don't.
bool narrow(std::vector<std::size_t>& widths, const std::vector<bool>& may_be_cut, std::size_t width,
            std::size_t least) {
  while (sum_of(widths) > width) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (may_be_cut[i] && widths[i] > least && (widest == nullptr || widths[i] > *widest)) widest = &widths[i];
    }
    if (widest == nullptr) return false;
    --*widest;
  }
  return true;
}

}  // namespace

RowPrinter::RowPrinter(std::FILE* out, std::vector<std::string> columns, const Look& look)
    : out_(out), columns_(std::move(columns)), look_(look) {
  if (look_.format == Format::csv) {
    std::string line;
    for (const auto& name : columns_) line += (line.empty() ? "" : ",") + for_csv(Cell(name));
    put(out_, line + "\r\n");
  }
  if (look_.format == Format::json) put(out_, "[");
}

void RowPrinter::add(std::vector<Cell> row) {
  if (look_.format == Format::table && widths_.empty()) {
    waiting_.push_back(std::move(row));
    if (waiting_.size() == kMeasured) measure();
    return;
  }
  print_row(row);
}

void RowPrinter::end() {
  if (look_.format == Format::json) put(out_, printed_any_ ? "\n]\n" : "]\n");
  if (look_.format == Format::table && widths_.empty()) measure();
}

/// Decides how wide columns are, and prints the heading and what waited.
void RowPrinter::measure() {
  is_text_.assign(columns_.size(), false);
  const auto widest = [&] {
    std::vector<std::size_t> widths;
    for (const auto& name : columns_) widths.push_back(width_of(name));
    for (const auto& row : waiting_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], width_of(for_people(row[i], look_.now, short_times_)));
        is_text_[i] = is_text_[i] || (i > 0 && (std::holds_alternative<std::string>(row[i]) ||
                                                std::holds_alternative<std::vector<std::string>>(row[i])));
      }
    }
    return widths;
  };
  widths_ = widest();
  if (look_.width > 0 && !narrow(widths_, is_text_, look_.width, kReadable)) {
    short_times_ = true;
    widths_ = widest();
    if (!narrow(widths_, is_text_, look_.width, kReadable)) narrow(widths_, is_text_, look_.width, kRecognizable);
  }
  print_heading();
  for (const auto& row : waiting_) print_row(row);
  waiting_.clear();
  waiting_.shrink_to_fit();
}

void RowPrinter::print_row(const std::vector<Cell>& row) {
  const bool is_first = !std::exchange(printed_any_, true);
  std::string text;
  switch (look_.format) {
    case Format::json: {
      Json object;
      for (std::size_t i = 0; i < columns_.size(); ++i) object[columns_[i]] = for_json(row[i]);
      put(out_, (is_first ? "\n " : ",\n ") + text_of(object));
      return;
    }
    case Format::csv:
      for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ",") + for_csv(row[i]);
      put(out_, text + "\r\n");
      return;
    case Format::table:
      for (std::size_t i = 0; i < row.size(); ++i) {
        auto shown = for_people(row[i], look_.now, short_times_);
        if (look_.width > 0 && is_text_[i]) shown = cut_to(shown, widths_[i]);
        text += padded(shown, i);
      }
      put(out_, text + "\n");
      return;
  }
}

void RowPrinter::print_heading() {
  std::string text;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::string name = columns_[i];
    std::ranges::replace(name, '_', ' ');
    text += padded(look_.width > 0 && is_text_[i] ? cut_to(name, widths_[i]) : name, i);
  }
  put(out_, heading(text, look_.bold) + "\n");
}

/// With blanks up to the next column; a row that came after the measuring may be wider.
std::string RowPrinter::padded(std::string text, std::size_t column) const {
  if (column + 1 == columns_.size()) return text;
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
  put(out, text_of(object, 2) + "\n");
}

std::string heading(std::string_view text, bool bold) {
  return bold ? "\033[1m" + std::string(text) + "\033[0m" : std::string(text);
}

std::string minute(UnixTime time) {
  std::string text = to_iso8601(time).substr(0, 16);
  text[10] = ' ';
  return text;
}

std::string when(UnixTime time, UnixTime now) {
  if (time > now) return minute(time) + " (in " + in_words(time - now) + ")";
  return minute(time) + " (" + in_words(now - time) + " ago)";
}

std::string harmless(std::string_view text, std::size_t most) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const bool continues = (octet & 0xc0U) == 0x80;
    if (shown.size() >= most && !continues) return shown + "…";
    // C0 and DEL; C1 controls (U+0080 to U+009F) are C2 80 to C2 9F in UTF-8.
    const bool c1 = octet == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (octet < 0x20 || octet == 0x7f) {
      shown += ' ';
    } else if (c1) {
      shown += ' ';
      ++i;
    } else {
      shown += text[i];
    }
  }
  return shown;
}

}  // namespace blowback::cli
