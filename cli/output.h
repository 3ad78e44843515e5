// How commands print: tables for people, JSON and CSV for programs, and text by strangers without control characters.
#pragma once

#include "blowback/unix_time.h"
#include "blowback/wording.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace blowback::cli {

enum class Format : std::uint8_t { table, json, csv };

/// A cell keeps its type, so that JSON has numbers, arrays and times in ISO 8601, and tables have a form for people. An empty string
/// is the same as no value: `-` in tables, null in JSON.
using Cell = std::variant<std::monostate, std::string, std::uint64_t, double, bool, UnixTime, std::vector<std::string>>;

[[nodiscard]] inline Cell cell(const std::optional<UnixTime>& time) { return time ? Cell(*time) : Cell(); }
[[nodiscard]] inline Cell cell(const std::optional<std::uint64_t>& number) { return number ? Cell(*number) : Cell(); }
[[nodiscard]] inline Cell cell(std::string_view text) { return Cell(std::string(text)); }

/// How rows are printed.
struct Look {
  Format format = Format::table;
  UnixTime now{};  ///< tables show times relative to it
  bool bold = false;
  std::size_t width = 0;  ///< of the terminal, in characters; 0: no terminal, nothing is shortened
};

/// Prints rows while they are added, in constant memory.
///
/// Table: aligned by the widest of the first thousand rows, headings in bold on a terminal, times absolute and relative to `now`. If
/// it is too wide for the terminal, empty columns are left out, then long texts are shortened (but never the first column or
/// addresses), then times. If it still is, each row is printed as a block of lines. CSV: RFC 4180 with a heading. JSON: an array of
/// objects, one line per row. CSV and JSON shorten nothing.
class RowPrinter {
 public:
  RowPrinter(std::FILE* out, std::vector<std::string> columns, const Look& look);
  /// Requires as many cells as columns.
  void add(std::vector<Cell> row);
  /// Call once, after the last row.
  void end();

 private:
  void measure(bool all_are_known);
  [[nodiscard]] std::vector<std::size_t> widest() const;
  [[nodiscard]] bool fits(std::size_t width, bool all_are_known);
  [[nodiscard]] std::string block_of(const std::vector<Cell>& row) const;
  void print_row(const std::vector<Cell>& row);
  void print_heading();
  [[nodiscard]] std::string padded(std::string text, std::size_t column) const;

  std::FILE* out_;
  std::vector<std::string> columns_;
  Look look_;
  std::vector<std::vector<Cell>> waiting_;  ///< rows that aren't printed yet, since widths aren't known
  std::vector<std::size_t> widths_;         ///< by column; empty: not measured yet
  std::vector<bool> may_be_cut_;            ///< by column
  std::vector<bool> is_shown_;              ///< by column
  bool short_times_ = false;
  bool in_blocks_ = false;
  bool printed_any_ = false;
};

/// Columns and rows, printed as a whole. For lists of unbounded length use RowPrinter.
class Table {
 public:
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  /// Requires as many cells as columns.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// In the same forms as RowPrinter.
  void print(std::FILE* out, const Look& look) const;
  /// For programs, if each row is a name and a value: one JSON object; CSV as always.
  void print_figures(std::FILE* out, const Look& look) const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace blowback::cli
