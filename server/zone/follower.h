// The thread that follows the database: it publishes a committed change within some tens of milliseconds.
//
// It is the only part of the server that reads the database. If the database is removed, locked or damaged, the last good index stays
// published; after the time that the operator allows, it is marked stale, and then nobody is listed (answer/decide.cc). What ends by the clock ends
// at once, whatever happens to the database. It doesn't log: it reports each loss and each recovery to its owner.
#pragma once

#include "blowback/unix_time.h"
#include "zone/history.h"
#include "zone/listing_index.h"
#include "zone/published.h"
#include "zone/version_log.h"
#include "zone/view.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace blowback::zone {

/// How current the published list is, for the server's status. It isn't part of the View, since a check that finds nothing new publishes
/// nothing. One follower at a time writes, any thread may read.
class Freshness {
 public:
  using Clock = std::chrono::steady_clock;

  /// The follower has completed a turn of its loop, with or without success.
  void turned(Clock::time_point at) { turned_at_ = at.time_since_epoch(); }
  /// The database was read successfully, as of `at`.
  void looked(Clock::time_point at) { looked_at_ = at.time_since_epoch(); }
  /// And all of the journal was read.
  void caught_up(Clock::time_point at) { caught_up_at_ = at.time_since_epoch(); }
  /// The entries of the published list were counted.
  void tallied(const Tally& tally) {
    const std::scoped_lock lock(mutex_);
    tally_ = tally;
  }
  /// A change that was noticed at `noticed` was published at `now`.
  void published(Clock::time_point noticed, Clock::time_point now) {
    published_at_ = now.time_since_epoch();
    publishing_ = now - noticed;
  }

  /// Absent: never. Likewise below.
  [[nodiscard]] std::optional<Clock::duration> since_turned(Clock::time_point now) const {
    return since(turned_at_, now);
  }
  [[nodiscard]] std::optional<Clock::duration> since_caught_up(Clock::time_point now) const {
    return since(caught_up_at_, now);
  }
  [[nodiscard]] Tally tally() const {
    const std::scoped_lock lock(mutex_);
    return tally_;
  }
  [[nodiscard]] std::optional<Clock::duration> since_looked(Clock::time_point now) const {
    return since(looked_at_, now);
  }
  [[nodiscard]] std::optional<Clock::duration> since_published(Clock::time_point now) const {
    return since(published_at_, now);
  }
  /// How long the last change took, from being noticed to being published.
  [[nodiscard]] std::optional<Clock::duration> publishing() const {
    const Clock::duration took = publishing_;
    return took == kNever ? std::nullopt : std::optional(took);
  }

 private:
  static constexpr Clock::duration kNever = Clock::duration::min();
  [[nodiscard]] static std::optional<Clock::duration> since(Clock::duration then, Clock::time_point now) {
    if (then == kNever) return std::nullopt;
    return std::max(now.time_since_epoch() - then, Clock::duration::zero());
  }

  std::atomic<Clock::duration> turned_at_{kNever};
  std::atomic<Clock::duration> looked_at_{kNever};
  std::atomic<Clock::duration> caught_up_at_{kNever};
  std::atomic<Clock::duration> published_at_{kNever};
  std::atomic<Clock::duration> publishing_{kNever};
  mutable std::mutex mutex_;  ///< guards tally_
  Tally tally_;
};

struct FollowerReport {
  enum class Event : std::uint8_t {
    replaced,  ///< the database was replaced by another file, whose list was read; `loaded` follows
    loaded,  ///< the whole list was read: at the start, because the database was replaced, because reading all of it is faster than
    ///< applying many changes, or because the clock was set back
    not_ready,  ///< the database can't be read and never could be: there is no index
    lost,       ///< the database can't be read any more; the last good index stays published
    stale,      ///< it has been lost for longer than allowed
    recovered,  ///< the database can be read again
    held,  ///< another list came into the database's place, which is empty or has no higher serial: the former one is served on
    accepted,  ///< after `held`: the database's list is served, since it can follow the former one by now, or enough time has passed
    recalled,  ///< after `loaded`, with a log of versions: as many earlier versions as can be proven are known again
  };
  Event event = Event::loaded;
  std::string text;         ///< a sentence
  std::uint64_t count = 0;  ///< for `loaded`: the number of listings and exemptions; for `recalled`: that of versions
  Serial serial = 0;        ///< of the published index
};

/// Why this database can't be followed, as a sentence; absent: it can.
[[nodiscard]] std::optional<std::string> why_not_followed(const std::string& database);

class Follower {
 public:
  using Clock = std::function<UnixTime()>;
  using Report = std::function<void(const FollowerReport&)>;

  struct Settings {
    std::string database;
    Duration stale_after{};          ///< > 0
    Freshness* freshness = nullptr;  ///< updated if not nullptr; must outlive the follower
    History* history = nullptr;      ///< likewise
    VersionLog* versions = nullptr;  ///< likewise; without a history it has no use
  };

  /// Reads the list once, in this thread, and publishes it or reports why it can't. Then follows in a thread of its own. `out` must outlive
  /// the follower. `clock` and `report` are called from this thread and from the follower's own. An index that an earlier follower
  /// published stays until this one publishes another.
  Follower(Settings settings, Published<View>& out, Clock clock, Report report);
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  /// Stops following; the published list stays. Waits for a query to the database to end.
  ~Follower();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::zone
