// What ingest knows of itself: counted by its loop, told to whoever watches it.
//
// The loop writes, one other thread may read: it gets a copy, so that nobody who reads slowly is in the loop's way.
// Counts begin at 0 with the process, and a SIGHUP leaves them.
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

/// Upper ends of the steps in which a commit's duration is counted; what takes longer is in none of them.
inline constexpr std::array<std::chrono::milliseconds, 12> kCommitSteps{
    {std::chrono::milliseconds{1}, std::chrono::milliseconds{2}, std::chrono::milliseconds{5},
     std::chrono::milliseconds{10}, std::chrono::milliseconds{25}, std::chrono::milliseconds{50},
     std::chrono::milliseconds{100}, std::chrono::milliseconds{250}, std::chrono::milliseconds{500},
     std::chrono::milliseconds{1'000}, std::chrono::milliseconds{2'500}, std::chrono::milliseconds{10'000}}};

struct IngestState {
  struct Feed {
    schema::FeedCounts counts;              ///< with `incidents` and `duplicates`
    std::optional<UnixTime> last_delivery;  ///< also of an earlier process
    std::string trouble;                    ///< why it can't be read; "" where it can
  };

  std::string version;
  UnixTime started_at{};
  /// When the loop came round last. It does so every second or so, longer only where it waits for the database's lock.
  std::optional<std::chrono::steady_clock::time_point> turned_at;
  std::map<std::string, Feed> feeds;  ///< those that are read, by name
  std::array<std::uint64_t, 6> incidents_by_kind{};
  std::map<std::string, std::uint64_t> quarantined_by_reason;
  std::uint64_t callouts_let_go = 0;  ///< of clients that were listed, see listed_callers.h
  std::uint64_t listed = 0;
  std::uint64_t expired = 0;
  Serial serial = 0;               ///< the journal's head, some seconds old at most
  std::uint64_t brought_back = 0;  ///< listings and exemptions that had been swept up too early
  watch::ClockDoubt clock_doubt;
  std::optional<schema::Kept> kept;  ///< how large the database is, a minute old at most
  std::uint64_t expired_incidents = 0;
  std::uint64_t expired_evidence = 0;
  bool shortened = false;  ///< evidence or incidents go before their time for want of room (retention.max_disk)
  bool no_room = false;    ///< there is still too little, and nothing more may go
  watch::ConfigInForce config;
  std::string database_trouble;  ///< why it can't be written; "" where it can, as far as was tried

  std::array<std::uint64_t, kCommitSteps.size() + 1> commits{};  ///< by duration; the last holds what took longer
  std::chrono::nanoseconds in_commits{};
  std::uint64_t failed_commits = 0;

  /// What a committed batch adds.
  void add(const schema::Batch& batch, const schema::Recorded& recorded, std::chrono::nanoseconds took, UnixTime now);
};

/// The state in reach of two threads. Safe from any thread.
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

/// In Prometheus's text format. Not pure: the process's own figures are read.
[[nodiscard]] std::string to_metrics(const IngestState& state);
/// Whether the loop comes round, as of `now`: a stuck one is mended by a restart alone. Pure.
[[nodiscard]] watch::Health health(const IngestState& state, std::chrono::steady_clock::time_point now);
/// Whether what comes in gets into the database: the loop comes round, the database could be written when that was tried last,
/// and each feed could be read. Pure.
[[nodiscard]] watch::Health readiness(const IngestState& state, std::chrono::steady_clock::time_point now);

}  // namespace blowback::record
