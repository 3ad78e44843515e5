// Removes what has expired from the database and from Maildirs, in slices between batches, for at most half of the time.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "expiry/retention_clock.h"
#include "feed/old_mail.h"
#include "record/ingest_state.h"
#include "schema/store.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback::record {

/// Whether retention.max_disk is reached, as upkeep's slices report it. Pure.
struct Room {
  bool shortened = false;  ///< evidence and incidents are removed before their time
  bool none = false;       ///< and nothing more may be removed

  /// A slice that has more to do doesn't know whether there is room in the end.
  void update(const schema::Upkeep& done);
};

/// One thread at a time. `config`, `store` and `only_feeds` must outlive it.
class UpkeepTurns {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  enum class Turn : std::uint8_t {
    none,     ///< nothing was due in the database
    went_on,  ///< a slice was done, and there is more to do
    through,  ///< everything is done
  };

  /// `only_feeds`: names of the feeds that are read; empty: all of the config's.
  UpkeepTurns(const config::Config& config, schema::Store& store, const std::vector<std::string>& only_feeds,
              Steady now);

  /// Does one slice of what is due. Fails with the database's error; the slice is tried again after a second.
  [[nodiscard]] schema::Result<Turn> turn(UnixTime now, SharedIngestState* state);
  /// Does what there is to do, for at most ten seconds in the database and ten in Maildirs.
  [[nodiscard]] schema::Result<Turn> finish(UnixTime now, SharedIngestState* state);
  /// When the next slice is due.
  [[nodiscard]] Steady due_at() const;
  /// `config` was changed: the current pass through a Maildir starts again.
  void config_changed();

 private:
  [[nodiscard]] schema::Result<bool> slice(UnixTime now, UnixTime expiring, SharedIngestState* state);
  [[nodiscard]] bool remove_old_mail(UnixTime now, Steady until);
  void report(const schema::Upkeep& done, UnixTime now, SharedIngestState* state);

  const config::Config& config_;
  schema::Store& store_;
  const std::vector<std::string>& only_feeds_;
  expiry::KeptRetentionClock clock_;
  Steady database_due_at_;
  Steady mail_due_at_;
  std::size_t mail_of_ = 0;  ///< the index of the feed whose Maildir the pass is in
  std::optional<feed::OldMailPass> mail_pass_;
  std::size_t mail_removed_ = 0;  ///< in that pass
  Room room_;
  schema::Upkeep since_report_;
};

}  // namespace blowback::record
