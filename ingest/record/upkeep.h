// Keeps the database from growing for ever, in slices between batches: at most half of the time is spent on it.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "expiry/retention_clock.h"
#include "record/ingest_state.h"
#include "schema/store.h"

#include <chrono>
#include <optional>

namespace blowback::record {

/// One thread. `config` and `store` must outlive it.
class UpkeepTurns {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  UpkeepTurns(const config::Config& config, schema::Store& store, Steady now);

  /// Does one slice if its time has come. Fails with what the database said.
  [[nodiscard]] schema::Result<void> turn(UnixTime now, SharedIngestState* state);
  /// Until there is nothing left to do, or ten seconds are over.
  [[nodiscard]] schema::Result<void> finish(UnixTime now, SharedIngestState* state);
  /// When the next slice is due.
  [[nodiscard]] Steady due_at() const { return due_at_; }

 private:
  [[nodiscard]] schema::Result<bool> slice(UnixTime now, SharedIngestState* state);
  void remove_old_mail(UnixTime now);
  void report(const schema::Upkeep& done, UnixTime now, SharedIngestState* state);

  const config::Config& config_;
  schema::Store& store_;
  expiry::KeptRetentionClock clock_;
  Steady due_at_;
  std::optional<Steady> mail_removed_at_;
  bool was_shortened_ = false;
  schema::Upkeep since_report_;
};

}  // namespace blowback::record
