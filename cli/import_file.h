// What a file to import says: a network a line, or CSV with a reason and an end of its own on each line. Pure but for reading.
#pragma once

#include "blowback/prefix.h"
#include "blowback/unix_time.h"
#include "lines.h"

#include <cstddef>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::cli {

/// For lines that don't say so themselves.
struct Terms {
  std::string reason;
  std::optional<UnixTime> until;
  friend auto operator<=>(const Terms&, const Terms&) = default;
};

/// One line that names a network.
struct ImportLine {
  Prefix prefix;
  Terms terms;
};

/// Reads lines one after another, since a heading says what stands in the columns below it.
///
/// `192.0.2.1`, `198.51.100.0/24 ; SBL123`, or, where a comma comes before any `#` and `;`, CSV (RFC 4180): network, reason, until.
/// A heading names the columns in another order: `network` or `prefix`, `until` or `expires_at`, as `listings` does. Columns of
/// other names are passed over; without a heading there are at most three. Until is a time (`2026-12-24T10:00:00Z`), a day (`2026-12-24`), or a span (`14d`). An empty field is as if
/// it weren't there.
class ImportParser {
 public:
  ImportParser(Terms otherwise, UnixTime now) : otherwise_(std::move(otherwise)), now_(now) {}
  /// Absent: a comment, a heading, or blank. Fails with a sentence for a person.
  [[nodiscard]] std::expected<std::optional<ImportLine>, std::string> read(std::string_view line);

 private:
  struct Columns {
    std::size_t prefix = 0;
    std::optional<std::size_t> reason = 1;
    std::optional<std::size_t> until = 2;
    bool are_named = false;
  };
  [[nodiscard]] bool is_heading(const std::vector<std::string>& fields);
  [[nodiscard]] std::expected<UnixTime, std::string> end_of(const std::string& text) const;

  Terms otherwise_;
  UnixTime now_;
  Columns columns_;
  bool any_ = false;
};

/// A file read whole. Every line is in one of the counts.
struct Imported {
  std::map<Terms, std::vector<Prefix>> groups;  ///< sorted, and each network once in all
  std::vector<Prefix> all;                      ///< sorted
  std::size_t lines = 0;
  std::size_t comments = 0;  ///< and headings and blank lines
  std::size_t duplicates = 0;
  std::size_t refused = 0;  ///< not understood
  std::size_t wide = 0;     ///< of the networks, those that need --wide and haven't it
};

/// Tells of lines that can't be taken. Of a network that stands there twice the first line counts.
[[nodiscard]] Imported read_import(const Context& context, Input& input, const Terms& otherwise, Permission permission);

}  // namespace blowback::cli
