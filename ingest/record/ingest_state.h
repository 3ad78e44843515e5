// The state of ingest, for metrics, health and status: written by its loop, and read by one other thread.
//
// A reader gets a copy, so that a slow one doesn't delay the loop. Counts begin at 0 with the process, and a reload keeps them.
#pragma once

#include "blowback/listing.h"
#include "blowback/unix_time.h"
#include "schema/store.h"
#include "watch/clock_doubt.h"
#include "watch/config_in_force.h"
#include "watch/health.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace blowback::record {

/// Upper bounds of the histogram of commit durations.
inline constexpr std::array<std::chrono::milliseconds, 12> kCommitSteps{
    {std::chrono::milliseconds{1}, std::chrono::milliseconds{2}, std::chrono::milliseconds{5},
     std::chrono::milliseconds{10}, std::chrono::milliseconds{25}, std::chrono::milliseconds{50},
     std::chrono::milliseconds{100}, std::chrono::milliseconds{250}, std::chrono::milliseconds{500},
     std::chrono::milliseconds{1'000}, std::chrono::milliseconds{2'500}, std::chrono::milliseconds{10'000}}};

struct IngestState {
  struct Feed {
    schema::FeedCounts counts;              ///< with `incidents` and `duplicates`
    std::optional<UnixTime> last_delivery;  ///< also of an earlier process
    std::string trouble;                    ///< why it can't be read; "": it can
  };

  std::string version;
  UnixTime started_at{};
  /// The loop's last turn. It takes about a second, and longer only while the loop waits for the database's lock.
  std::optional<std::chrono::steady_clock::time_point> turned_at;
  std::map<std::string, Feed> feeds;  ///< the feeds that are read, by name
  std::array<std::uint64_t, 6> incidents_by_kind{};
  std::map<std::string, std::uint64_t> quarantined_by_reason;
  std::uint64_t callouts_let_go = 0;  ///< of clients that were listed, see listed_callers.h
  std::uint64_t listed = 0;
  std::uint64_t expired = 0;
  Serial serial = 0;                   ///< of the journal, at most some seconds old
  std::uint64_t brought_back = 0;      ///< listings and exemptions that had been removed too early
  std::uint64_t removals_pending = 0;  ///< requests, at most some seconds old
  std::uint64_t removals_done = 0;
  std::uint64_t removals_refused = 0;  ///< of the requests that were filed
  watch::ClockDoubt clock_doubt;
  std::optional<schema::Kept> kept;  ///< the size of the database, at most a minute old
  std::uint64_t expired_incidents = 0;
  std::uint64_t expired_evidence = 0;
  bool shortened = false;  ///< evidence or incidents are removed before their time, since retention.max_disk is reached
  bool no_room = false;    ///< the database is too large, and nothing more may be removed
  watch::ConfigInForce config;
  std::string database_trouble;  ///< why it can't be written; "": the last attempt succeeded

  std::array<std::uint64_t, kCommitSteps.size() + 1> commits{};  ///< by duration; the last one counts longer ones
  std::chrono::nanoseconds in_commits{};
  std::uint64_t failed_commits = 0;

  /// Adds a committed batch.
  void add(const schema::Batch& batch, const schema::Recorded& recorded, std::chrono::nanoseconds took, UnixTime now);
};

/// A state that two threads share. Safe from any thread.
class SharedIngestState {
 public:
  template <typename Change>
  void change(Change by) {
    const std::scoped_lock lock(mutex_);
    by(state_);
  }
  [[nodiscard]] IngestState copy() const {
    const std::scoped_lock lock(mutex_);
    return state_;
  }

 private:
  mutable std::mutex mutex_;  ///< guards state_
  IngestState state_;
};

/// In Prometheus's text format. Not pure: it reads the process's own statistics.
[[nodiscard]] std::string to_metrics(const IngestState& state);
/// Whether the loop makes turns, as of `now`; if it is stuck, only a restart helps. Pure.
[[nodiscard]] watch::Health health(const IngestState& state, std::chrono::steady_clock::time_point now);
/// Whether mail gets into the database: the loop makes turns, the last write to the database succeeded, and each feed can be read. Pure.
[[nodiscard]] watch::Health readiness(const IngestState& state, std::chrono::steady_clock::time_point now);

}  // namespace blowback::record
