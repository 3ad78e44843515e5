// How commands print: tables for people, JSON and CSV for programs, and text by strangers made harmless.
#pragma once

#include "blowback/unix_time.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace blowback::cli {

enum class Format : std::uint8_t { table, json, csv };

/// A cell keeps its type, so that JSON has numbers as numbers and times in ISO 8601, and tables have them as people read.
using Cell = std::variant<std::monostate, std::string, std::uint64_t, double, bool, UnixTime>;

[[nodiscard]] inline Cell cell(const std::optional<UnixTime>& time) { return time ? Cell(*time) : Cell(); }
[[nodiscard]] inline Cell cell(std::string_view text) { return Cell(std::string(text)); }

/// Columns and rows, printed whole at the end. For lists of unbounded length see RowPrinter.
class Table {
 public:
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  /// Table: aligned, headings in bold on a terminal, times absolute and relative to `now`. CSV: RFC 4180 with a heading.
  /// JSON: an array of objects, a row a line.
  void print(std::FILE* out, Format format, UnixTime now, bool bold) const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

/// A heading in bold where `bold`.
[[nodiscard]] std::string heading(std::string_view text, bool bold);
/// `2026-11-24 10:00 (3 hours ago)`, `… (in 11 days 2 hours)`. UTC.
[[nodiscard]] std::string when(UnixTime time, UnixTime now);
/// `2026-11-24 10:00`. UTC.
[[nodiscard]] std::string minute(UnixTime time);
/// Text by strangers as a terminal may have it: no control characters, at most `most` octets, cut between characters.
[[nodiscard]] std::string harmless(std::string_view text, std::size_t most = 200);

}  // namespace blowback::cli
