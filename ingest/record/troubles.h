// What ingest couldn't do with its database, until it can again: what to log of it, and when.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::record {

/// What ingest uses the database for. Each can fail alone: if the file is damaged in one place, or the disk is nearly full.
enum class Work : std::uint8_t { file, recording, sweeping, upkeep };

/// `file`, `recording`…: as the log lines name it.
[[nodiscard]] std::string_view name_of(Work work);

/// One error that several works report is logged once, and its end once. Pure.
class Troubles {
 public:
  /// `work` failed with `text`. True: log that.
  [[nodiscard]] bool begin(Work work, const std::string& text);
  /// `work` succeeded. True: log that the trouble is over.
  [[nodiscard]] bool end(Work work);
  /// Forgets all.
  void clear() { troubles_ = {}; }

  [[nodiscard]] bool any() const { return !first().empty(); }
  [[nodiscard]] bool has(Work work) const { return troubles_.at(static_cast<std::size_t>(work)).has_value(); }
  /// The last error of the first work that is in trouble; "": none is.
  [[nodiscard]] std::string_view first() const;

 private:
  struct Trouble {
    std::string text;
    bool is_logged = false;  ///< false: another work's trouble with the same text is
  };

  std::array<std::optional<Trouble>, 4> troubles_;  ///< by Work
};

}  // namespace blowback::record
