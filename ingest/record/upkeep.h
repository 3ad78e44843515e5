// Keeps database and Maildirs from growing for ever, in slices between batches: at most half of the time is spent on it.
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

/// What the lack of room (retention.max_disk) has come to, from one slice to the next. Pure.
struct Room {
  bool shortened = false;  ///< things go before their time
  bool none = false;       ///< and nothing more may go

  /// A slice that has more to do says nothing of what it didn't come to.
  void take(const schema::Upkeep& done);
};

/// One thread. `config`, `store` and `only_feeds` must outlive it.
class UpkeepTurns {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  /// What a turn came to.
  enum class Turn : std::uint8_t {
    none,     ///< the database's time hadn't come
    went_on,  ///< there is more to do, of which nobody knows whether it can be done
    through,  ///< all was looked at
  };

  /// `only_feeds`: names of the feeds that are read; empty: all of the config's.
  UpkeepTurns(const config::Config& config, schema::Store& store, const std::vector<std::string>& only_feeds,
              Steady now);

  /// Does one slice of what is due. Fails with what the database said; then it is tried again after a second.
  [[nodiscard]] schema::Result<Turn> turn(UnixTime now, SharedIngestState* state);
  /// Until there is nothing left to do, or ten seconds are over; for mail in Maildirs as long again.
  [[nodiscard]] schema::Result<Turn> finish(UnixTime now, SharedIngestState* state);
  /// When the next slice is due.
  [[nodiscard]] Steady due_at() const;
  /// `config` is another: a pass through a Maildir that is under way begins anew.
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
  std::size_t mail_of_ = 0;  ///< the feed in the config whose mail is looked at
  std::optional<feed::OldMailPass> mail_pass_;
  std::size_t mail_removed_ = 0;  ///< in that pass
  Room room_;
  schema::Upkeep since_report_;
};

}  // namespace blowback::record
