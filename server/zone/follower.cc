// The follower's rounds: look for news, publish them, and keep count of how long there was no looking.
#include "zone/follower.h"

#include "former_versions.h"
#include "journal_reader.h"
#include "schema/store.h"
#include "timed_view.h"

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
#include <vector>

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
/// How long earlier versions are looked for between two looks for news.
constexpr std::chrono::milliseconds kRecallAtOnce{20};
/// And at the start, before anybody can ask: a secondary that comes too early gets the whole zone. A thousand versions take some tens of milliseconds.
constexpr std::chrono::milliseconds kRecallAtStart{500};

}  // namespace

class Follower::Impl {
 public:
  Impl(Settings settings, Published<View>& out, Clock clock, Report report)
      : stale_after_(settings.stale_after),
        freshness_(settings.freshness),
        history_(settings.history),
        versions_(settings.history == nullptr ? nullptr : settings.versions),
        database_(settings.database),
        out_(out),
        clock_(std::move(clock)),
        report_(std::move(report)),
        reader_(std::move(settings.database), [this] { turned(Steady::now()); }) {
    if (versions_ != nullptr) {
      if (const auto served = versions_->records(); !served.empty()) reader_.remember_from(served.front().as_of);
    }
    Published<View>::Reader published(out_);
    if (const View* former = published.get()) {
      served_ = *former;
      former_ = TimedView(*former);
      stale_ = former->stale;
    }
    look();
    static_cast<void>(recall(kRecallAtStart));
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
      while (!stop.stop_requested() && (look() || recall(kRecallAtOnce))) {
      }
    }
  }

  /// Looks for earlier versions. True: there may be more.
  bool recall(std::chrono::milliseconds at_most) {
    if (!former_versions_) return false;
    const auto until = Steady::now() + at_most;
    while (Steady::now() < until) {
      auto step = former_versions_->next();
      if (step && history_->add_older(step->before, step->after, std::move(step->touched))) continue;
      former_versions_.reset();
      report_({.event = FollowerReport::Event::recalled,
               .text = "earlier versions of the zone are known",
               .count = history_->size(),
               .serial = served_.serial});
      return false;
    }
    return true;
  }

  /// After the whole list was read and published, if the versions in the log can be earlier ones of it.
  void begin_recall() {
    history_->begin(served_.serial);
    former_versions_.emplace(
        database_, served_, reader_.complete_from(), *versions_, [this] { turned(Steady::now()); },
        History::kMostTouched);
  }

  /// Serials that were served come again if the clock or the database was set back.
  void check_versions(const View& view) {
    for (const auto& served : versions_->records()) {
      if (served.serial > view.serial || served.as_of > view.as_of) return versions_->clear();
    }
  }

  /// One round. True: there is more to read at once.
  bool look() {
    const auto steady = Steady::now();
    turned(steady);
    out_.reclaim();
    const auto now = clock_();
    const View before = reader_.view();
    auto progress = reader_.advance(now, steady);
    if (!progress) {
      missed(progress.error().text, now, steady);
      return false;
    }
    if (progress->another) tell_of_another(before);
    const bool was_lost = lost_since_.has_value();
    lost_since_.reset();
    if (progress->discontinued && !held_ && is_doubtful(served_, reader_.view())) {
      held_ = TimedView(served_);
      held_until_ = steady + stale_after_;
      tell(FollowerReport::Event::held, what_is_doubtful(served_, reader_.view()));
    }
    if (held_) {
      hold(now, steady);
    } else if (progress->changed || stale_) {
      publish(reader_.view(), progress->whole ? std::nullopt : std::optional(std::move(progress->touched)));
      if (freshness_ != nullptr && progress->changed) freshness_->published(steady, Steady::now());
    }
    // After publishing: what was found is being served by now.
    if (freshness_ != nullptr) {
      freshness_->looked(steady);
      if (!progress->more) freshness_->caught_up(steady);
    }
    changed_ += progress->changes;
    if (changed_ >= kManyChanges && !progress->more) give_back_memory();
    if (progress->whole && !held_) {
      tell(FollowerReport::Event::loaded, "the whole list was read");
    }
    if (was_lost && had_index_) tell(FollowerReport::Event::recovered, "the database can be read again");
    had_index_ = true;
    if (steady >= next_sweep_) sweep(steady);
    if (tally_due_ && !progress->more && steady >= next_tally_) tally();
    return progress->more;
  }

  /// A backup that was put back, or a database that was begun anew by mistake: only the operator knows.
  void tell_of_another(const View& before) const {
    if (!before.index) return;
    tell(FollowerReport::Event::replaced, "another file stands in the database's place: " + in_words(before) +
                                              " became " + in_words(reader_.view()) +
                                              "; unless you put it there, restore the last backup");
  }

  /// Nobody decides that: a backup was put back without `blowback db restore`, or a database was begun anew by mistake. Secondaries wouldn't take a
  /// list with a smaller serial over, and would take over an empty one.
  [[nodiscard]] static bool is_doubtful(const View& before, const View& after) {
    return before.index->size() != 0 && (after.serial <= before.serial || after.index->size() == 0);
  }
  [[nodiscard]] static std::string what_is_doubtful(const View& before, const View& after) {
    return in_words(before) + " became " + in_words(after) +
           "; the former list is served on for a while (server.stale_after), or until a restart; "
           "restore the last backup with `blowback db restore`";
  }
  [[nodiscard]] static std::string in_words(const View& view) {
    return std::to_string(view.index->size()) + " entries of serial " + std::to_string(view.serial);
  }

  /// Serves the former list on, until the database has one that can follow it, or the time is up.
  void hold(UnixTime now, Steady::time_point steady) {
    std::vector<Prefix> ended;
    if (!is_doubtful(held_->view(), reader_.view()) || steady >= held_until_) {
      held_.reset();
      publish(reader_.view(), std::nullopt);
      tell(FollowerReport::Event::accepted, "the database's list is served now");
    } else if (held_->let_time_pass(now, ended) || stale_) {
      publish(held_->view(), std::move(ended));
    }
  }

  /// `touched`: what differs from the view before; absent: anything may.
  void publish(const View& view, std::optional<std::vector<Prefix>> touched, bool stale = false) {
    if (history_ != nullptr && touched) {
      history_->add(served_, view, std::move(*touched));
    } else if (history_ != nullptr) {
      history_->clear();
    }
    // Of what is served in the database's stead there is no journal.
    const bool is_of_journal = view.index == reader_.view().index;
    if (versions_ != nullptr && !touched) {
      former_versions_.reset();
      check_versions(view);
    }
    const auto& last = reader_.last();
    if (versions_ != nullptr && is_of_journal && last && last->serial == view.index->serial())
      versions_->add(view, *last);
    served_ = view;
    stale_ = stale;
    auto published = view;
    published.stale = stale;
    out_.publish(std::move(published));
    if (versions_ != nullptr && !touched && is_of_journal) begin_recall();
    tally_due_ = true;
  }

  void missed(const std::string& why, UnixTime now, Steady::time_point steady) {
    // What has ended isn't listed, whether the database can be read or not.
    std::vector<Prefix> ended;
    bool changed = false;
    if (held_) {
      changed = held_->let_time_pass(now, ended);
    } else if (reader_.view().index) {
      changed = reader_.let_time_pass(now, ended);
    } else {
      changed = former_.let_time_pass(now, ended);
    }
    const bool has_index = list().index != nullptr;
    if (!lost_since_) {
      lost_since_ = steady;
      tell(has_index ? FollowerReport::Event::lost : FollowerReport::Event::not_ready, why);
    }
    if (!has_index) return;
    const bool becomes_stale = !stale_ && steady - *lost_since_ >= stale_after_;
    if (!changed && !becomes_stale) return;
    publish(list(), std::move(ended), stale_ || becomes_stale);
    if (becomes_stale) tell(FollowerReport::Event::stale, why);
  }

  /// What is served, or would be if it weren't stale.
  [[nodiscard]] const View& list() const {
    if (held_) return held_->view();
    return reader_.view().index ? reader_.view() : former_.view();
  }

  void sweep(Steady::time_point steady) {
    next_sweep_ = steady + kBetweenSweeps;
    if (reader_.drop_ended(clock_()) && !held_) publish(reader_.view(), std::vector<Prefix>());
  }

  void tally() {
    tally_due_ = false;
    if (freshness_ == nullptr) return;
    const auto began = Steady::now();
    freshness_->tallied(list().index->tally());
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
    const auto& view = list();
    report_(
        {.event = event, .text = std::move(text), .count = view.index ? view.index->size() : 0, .serial = view.serial});
  }

  Duration stale_after_;
  Freshness* freshness_;  ///< nullptr: nobody asks
  History* history_;      ///< likewise
  VersionLog* versions_;  ///< likewise
  std::string database_;
  Published<View>& out_;
  Clock clock_;
  Report report_;
  JournalReader reader_;
  View served_;                    ///< as published, except for `stale`
  TimedView former_;               ///< of the follower before this one
  std::optional<TimedView> held_;  ///< served instead of the reader's
  Steady::time_point held_until_;
  std::optional<Steady::time_point> lost_since_;
  Steady::time_point next_sweep_ = Steady::now() + kBetweenSweeps;
  Steady::time_point next_tally_;
  std::optional<FormerVersions> former_versions_;  ///< that are being looked for
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
