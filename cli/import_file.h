// The format of files for `import`: one network per line, or CSV with a reason and an end on each line.
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

/// The reason and end of a listing.
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

/// Reads lines one after another, since a heading determines the columns below it.
///
/// `192.0.2.1`, `198.51.100.0/24 ; SBL123`, or, if a comma comes before any `#` and `;`, CSV (RFC 4180): network, reason, until. A
/// heading can name the columns in another order: `network` or `prefix`, `reason`, `until` or `expires_at`, as in the output of
/// `listings`. Columns with other names are ignored; without a heading there are at most three. `until` is a time
/// (`2026-12-24T10:00:00Z`), a day (`2026-12-24`), or a duration (`14d`). An empty field is the same as an absent one.
class ImportParser {
 public:
  ImportParser(Terms defaults, UnixTime now) : defaults_(std::move(defaults)), now_(now) {}
  /// Absent: a comment, a heading, or a blank line. Fails with a message for a person.
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

  Terms defaults_;  ///< for lines without their own
  UnixTime now_;
  Columns columns_;
  bool any_ = false;
};

/// The content of a file. Every line is in one of the counts.
struct Imported {
  std::map<Terms, std::vector<Prefix>> groups;  ///< networks by terms, sorted; no network is in two groups
  std::vector<Prefix> all;                      ///< sorted
  std::size_t lines = 0;
  std::size_t comments = 0;  ///< and headings and blank lines
  std::size_t duplicates = 0;
  std::size_t refused = 0;  ///< not understood
  std::size_t wide = 0;     ///< networks that need --wide, if it wasn't given
};

/// Reports lines that aren't understood, or need --wide and don't have it. If a network is there twice, the first line counts.
[[nodiscard]] Imported read_import(const Context& context, Input& input, const Terms& defaults, Permission permission);

}  // namespace blowback::cli
