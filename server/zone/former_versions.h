// Derives from the journal what was said in versions that were served before the start: the present list, with the changes since then taken back.
//
// Each version is either proven or not given: the log says from which place of the journal and from which time it was (version_log.h), each entry from there
// to the present must still be in the journal, and what was said before each entry must be known.
#pragma once

#include "blowback/prefix.h"
#include "blowback/unix_time.h"
#include "schema/store.h"
#include "zone/version_log.h"
#include "zone/view.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace blowback::zone {

class FormerVersions {
 public:
  /// `present` has an index, with all entries that end after `complete_from`. `log` must outlive this. `turned` is called now and then. `most`: changes that
  /// are taken back in all.
  FormerVersions(std::string database, View present, UnixTime complete_from, const VersionLog& log,
                 std::function<void()> turned, std::size_t most);

  /// A version, the one after it, and the networks of which they may say something different.
  struct Step {
    View before;
    View after;
    std::vector<Prefix> touched;
  };
  /// The next older version. Absent: no other one is proven. Reads what the journal has between the two.
  [[nodiscard]] std::optional<Step> next();

 private:
  [[nodiscard]] std::optional<Step> step_to(const VersionLog::Record& record);
  /// The changes after the record's up to those of `after_`.
  [[nodiscard]] std::optional<std::vector<ListingChange>> changes_since(const VersionLog::Record& record);

  std::string database_;
  View after_;
  UnixTime complete_from_;
  const VersionLog& log_;
  std::function<void()> turned_;
  std::size_t left_;                         ///< changes that may still be taken back
  std::vector<VersionLog::Record> records_;  ///< that weren't reached; ascending
  std::optional<schema::Store> store_;
};

}  // namespace blowback::zone
