// The thread that keeps the index at the database's heels: a committed change is published within some tens of milliseconds.
//
// It is the only part of the server that reads the database. Where the database goes away, is locked or is damaged, the last
// good index stays published; once that has lasted longer than the operator allows, it is marked stale, and the zone fails
// open (answer/decide.cc). It doesn't log: it reports, once per loss and once per recovery, to whoever made it.
#pragma once

#include "blowback/unix_time.h"
#include "zone/listing_index.h"
#include "zone/published.h"

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

/// What there is to answer from.
struct View {
  std::shared_ptr<const ListingIndex> index;  ///< nullptr until the database was read for the first time
  bool stale =
      false;  ///< the database couldn't be read for longer than allowed: nobody is to be called listed any more
};

/// How fresh what is published is, for whoever watches the server. Answering doesn't need it, so it stands beside the View:
/// a look that finds nothing new publishes nothing. One follower at a time writes, any thread reads.
class Freshness {
 public:
  using Clock = std::chrono::steady_clock;

  /// The follower came round, whatever it met.
  void turned(Clock::time_point at) { turned_at_ = at.time_since_epoch(); }
  /// The database was read with success, as of `at`.
  void looked(Clock::time_point at) { looked_at_ = at.time_since_epoch(); }
  /// And nothing was left to read.
  void caught_up(Clock::time_point at) { caught_up_at_ = at.time_since_epoch(); }
  /// What was published was counted.
  void tallied(const Tally& tally) {
    const std::scoped_lock lock(mutex_);
    tally_ = tally;
  }
  /// What was found by a look at `noticed` is published now.
  void published(Clock::time_point noticed, Clock::time_point now) {
    published_at_ = now.time_since_epoch();
    publishing_ = now - noticed;
  }

  /// Empty: never yet.
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
  /// How long the last news took, from being noticed to being published.
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
    replaced,  ///< another file stands in the database's place, and its list was read; `loaded` follows
    loaded,  ///< the whole list was read: at the start, because the database isn't the one followed so far, because so much
             ///< has changed that reading it all is quicker, or because the clock was set back
    not_ready,  ///< the database can't be read, and never could: there is no index
    lost,       ///< the database can't be read any more; the last good index goes on answering
    stale,      ///< `lost` has lasted too long
    recovered,  ///< the database can be read again
  };
  Event event = Event::loaded;
  std::string text;         ///< a sentence for a person
  std::uint64_t count = 0;  ///< `loaded`: listings and exemptions
  Serial serial = 0;        ///< of the index published now
};

/// Why this database can't be followed, a sentence for a person; absent: it can.
[[nodiscard]] std::optional<std::string> why_not_followed(const std::string& database);

class Follower {
 public:
  using Clock = std::function<UnixTime()>;
  using Report = std::function<void(const FollowerReport&)>;

  struct Settings {
    std::string database;
    Duration stale_after{};          ///< > 0
    Freshness* freshness = nullptr;  ///< kept up to date, if given; must outlive the follower
  };

  /// Reads the list once, in this thread, and publishes it, or reports why it can't. Then follows in a thread of its own.
  /// `out` must outlive the follower. `clock` and `report` are called from this thread and the follower's own.
  /// An index that stands published from an earlier follower stays until this one has a better.
  Follower(Settings settings, Published<View>& out, Clock clock, Report report);
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  /// Stops following; what was published stays. Waits for a question to the database that is under way.
  ~Follower();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::zone
