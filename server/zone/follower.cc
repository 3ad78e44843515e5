// The follower's rounds: look for news, publish them, and keep count of how long there was no looking.
#include "zone/follower.h"

#include "journal_reader.h"
#include "schema/store.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <utility>

namespace blowback::zone {
namespace {

using Steady = std::chrono::steady_clock;

/// A look that finds nothing new costs some microseconds: SQLite compares one number in shared memory.
constexpr std::chrono::milliseconds kBetweenLooks{20};
/// While the database can't be read.
constexpr std::chrono::milliseconds kBetweenAttempts{250};
/// How often what has ended is dropped from the index.
constexpr std::chrono::minutes kBetweenSweeps{1};
constexpr int kNiceness = 10;
/// How often it is counted what is on the list, once that has changed; and what part of the time that may take.
constexpr std::chrono::seconds kBetweenTallies{1};
constexpr int kTallyShare = 100;
/// Read entries that are worth a look for memory to give back.
constexpr std::size_t kManyChanges = 10'000;

}  // namespace

class Follower::Impl {
 public:
  Impl(Settings settings, Published<View>& out, Clock clock, Report report)
      : stale_after_(settings.stale_after),
        freshness_(settings.freshness),
        out_(out),
        clock_(std::move(clock)),
        report_(std::move(report)),
        reader_(std::move(settings.database), [this] { turned(Steady::now()); }) {
    Published<View>::Reader published(out_);
    if (const View* former = published.get()) {
      former_ = former->index;
      stale_ = former->stale;
    }
    look();
    thread_ = std::jthread([this](const std::stop_token& stop) { follow(stop); });
  }

 private:
  void follow(const std::stop_token& stop) {
    // Linux keeps niceness per thread. A bulk of changes is worked in beside the answers, not before them; with a tenth of a
    // processor's time left to it it still keeps up. Where it may not be changed, it stays as it is.
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      const auto pause = lost_since_ ? kBetweenAttempts : kBetweenLooks;
      wake.wait_for(lock, stop, pause, [] { return false; });
      while (!stop.stop_requested() && look()) {
      }
    }
  }

  /// One round. True: there is more to read at once.
  bool look() {
    const auto steady = Steady::now();
    turned(steady);
    out_.reclaim();
    const auto before = reader_.index();
    const auto progress = reader_.advance(clock_(), steady);
    if (!progress) {
      missed(progress.error().text, steady);
      return false;
    }
    if (progress->another) tell_of_another(before.get());
    const bool was_lost = lost_since_.has_value();
    lost_since_.reset();
    if (progress->index) {
      stale_ = false;
      out_.publish({.index = progress->index, .stale = false});
      tally_due_ = true;
      if (freshness_ != nullptr) freshness_->published(steady, Steady::now());
    } else if (stale_) {
      stale_ = false;
      out_.publish({.index = reader_.index(), .stale = false});
    }
    // After publishing: what was found is being served by now.
    if (freshness_ != nullptr) {
      freshness_->looked(steady);
      if (!progress->more) freshness_->caught_up(steady);
    }
    changed_ += progress->changes;
    if (changed_ >= kManyChanges && !progress->more) give_back_memory();
    if (progress->whole) {
      tell(FollowerReport::Event::loaded, "the whole list was read");
    }
    if (was_lost && had_index_) tell(FollowerReport::Event::recovered, "the database can be read again");
    had_index_ = true;
    if (steady >= next_sweep_) sweep(steady);
    if (tally_due_ && !progress->more && steady >= next_tally_) tally();
    return progress->more;
  }

  /// A backup that was put back, or a database that was begun anew by mistake: only the operator knows.
  void tell_of_another(const ListingIndex* before) const {
    if (before == nullptr) return;
    tell(FollowerReport::Event::replaced,
         "another file stands in the database's place: " + std::to_string(before->size()) + " entries of serial " +
             std::to_string(before->serial()) + " became " + std::to_string(reader_.index()->size()) + " of serial " +
             std::to_string(reader_.index()->serial()) + "; unless you put it there, restore the last backup");
  }

  void missed(const std::string& why, Steady::time_point steady) {
    const auto& index = reader_.index() ? reader_.index() : former_;
    if (!lost_since_) {
      lost_since_ = steady;
      tell(index ? FollowerReport::Event::lost : FollowerReport::Event::not_ready, why);
    }
    if (index && !stale_ && steady - *lost_since_ >= stale_after_) {
      stale_ = true;
      out_.publish({.index = index, .stale = true});
      tell(FollowerReport::Event::stale, why);
    }
  }

  void sweep(Steady::time_point steady) {
    next_sweep_ = steady + kBetweenSweeps;
    const auto ended_by = clock_() - JournalReader::kKeepEnded;
    auto swept = std::make_shared<const ListingIndex>(reader_.index()->without_ended(ended_by));
    if (swept->size() == reader_.index()->size()) return;
    reader_.replace(swept, ended_by);
    out_.publish({.index = std::move(swept), .stale = false});
    tally_due_ = true;
  }

  void tally() {
    tally_due_ = false;
    if (freshness_ == nullptr) return;
    const auto began = Steady::now();
    freshness_->tallied(reader_.index()->tally());
    const auto now = Steady::now();
    next_tally_ = now + std::max<Steady::duration>(kBetweenTallies, kTallyShare * (now - began));
  }

  void turned(Steady::time_point now) const {
    if (freshness_ != nullptr) freshness_->turned(now);
  }

  /// What a large change has left unused goes back to the system: the allocator would keep it for a next one.
  void give_back_memory() {
    out_.reclaim();
    malloc_trim(0);
    changed_ = 0;
  }

  void tell(FollowerReport::Event event, std::string text) const {
    const auto& index = reader_.index() ? reader_.index() : former_;
    report_({.event = event,
             .text = std::move(text),
             .count = index ? index->size() : 0,
             .serial = index ? index->serial() : 0});
  }

  Duration stale_after_;
  Freshness* freshness_;  ///< nullptr: nobody asks
  Published<View>& out_;
  Clock clock_;
  Report report_;
  JournalReader reader_;
  std::shared_ptr<const ListingIndex> former_;  ///< of the follower before this one
  std::optional<Steady::time_point> lost_since_;
  Steady::time_point next_sweep_ = Steady::now() + kBetweenSweeps;
  Steady::time_point next_tally_;
  bool tally_due_ = false;
  std::size_t changed_ = 0;  ///< entries read since memory was given back
  bool stale_ = false;       ///< as published
  bool had_index_ = false;   ///< this follower has read the database once
  std::jthread thread_;      ///< last: it uses all of the above
};

std::optional<std::string> why_not_followed(const std::string& database) {
  const auto opened = schema::Store::open(database, schema::Store::Mode::read);
  if (opened) return std::nullopt;
  return opened.error().text;
}

Follower::Follower(Settings settings, Published<View>& out, Clock clock, Report report)
    : impl_(std::make_unique<Impl>(std::move(settings), out, std::move(clock), std::move(report))) {}
Follower::~Follower() = default;

}  // namespace blowback::zone
