#include "record/upkeep.h"

#include "score/replay.h"
#include "watch/log.h"

#include <algorithm>
#include <string>
#include <utility>

namespace blowback::record {
namespace {

using std::chrono::steady_clock;
using watch::Field;
using watch::Level;

/// The pause if there was nothing to do.
constexpr std::chrono::seconds kAskAgain{60};
/// The pause if the database failed.
constexpr std::chrono::seconds kTryAgain{1};
/// When the first pass through the Maildirs begins, so that it doesn't delay the start, and the pause between passes.
constexpr std::chrono::minutes kMailFirst{1};
constexpr std::chrono::hours kMailEvery{1};
constexpr std::chrono::milliseconds kMailSlice{20};
constexpr std::chrono::seconds kFinishWithin{10};

}  // namespace

void Room::update(const schema::Upkeep& done) {
  if (done.more && !done.shortened) return;
  shortened = done.shortened;
  none = done.little_room && !done.shortened;
}

UpkeepTurns::UpkeepTurns(const config::Config& config, schema::Store& store, const std::vector<std::string>& only_feeds,
                         Steady now)
    : config_(config),
      store_(store),
      only_feeds_(only_feeds),
      clock_(store),
      database_due_at_(now),
      mail_due_at_(now + kMailFirst) {}

UpkeepTurns::Steady UpkeepTurns::due_at() const { return std::min(database_due_at_, mail_due_at_); }

schema::Result<UpkeepTurns::Turn> UpkeepTurns::turn(UnixTime now, SharedIngestState* state) {
  const auto began = steady_clock::now();
  if (began < due_at()) return Turn::none;
  const auto try_again = [&](const schema::StoreError& error) {
    database_due_at_ = steady_clock::now() + kTryAgain;
    mail_due_at_ = std::max(mail_due_at_, database_due_at_);
    return std::unexpected(error);
  };
  const auto expiring = clock_.now(now);
  if (!expiring) return try_again(expiring.error());
  // The pause is as long as the slice took, so that other work gets at least half of the time.
  const auto next = [](Steady from, bool more, auto otherwise) {
    const auto ended = steady_clock::now();
    return more ? ended + (ended - from) : ended + otherwise;
  };
  if (began >= mail_due_at_) mail_due_at_ = next(began, remove_old_mail(*expiring, began + kMailSlice), kMailEvery);
  if (began < database_due_at_) return Turn::none;
  const auto slice_began = steady_clock::now();
  const auto more = slice(now, *expiring, state);
  if (!more) return try_again(more.error());
  database_due_at_ = next(slice_began, *more, kAskAgain);
  return *more ? Turn::went_on : Turn::through;
}

schema::Result<UpkeepTurns::Turn> UpkeepTurns::finish(UnixTime now, SharedIngestState* state) {
  const auto expiring = clock_.now(now);
  if (!expiring) return std::unexpected(expiring.error());
  static_cast<void>(remove_old_mail(*expiring, steady_clock::now() + kFinishWithin));
  const auto until = steady_clock::now() + kFinishWithin;
  while (true) {
    const auto more = slice(now, *expiring, state);
    if (!more) return std::unexpected(more.error());
    if (!*more) return Turn::through;
    if (steady_clock::now() >= until) return Turn::went_on;
  }
}

schema::Result<bool> UpkeepTurns::slice(UnixTime now, UnixTime expiring, SharedIngestState* state) {
  const auto done = store_.keep_up(expiring, config_.policy, config_.retention, &score::reckon);
  if (!done) return std::unexpected(done.error());
  report(*done, now, state);
  return done->more;
}

/// Continues the pass through all Maildirs. False: it is done, or failed.
bool UpkeepTurns::remove_old_mail(UnixTime now, Steady until) {
  for (; mail_of_ < config_.feeds.size(); ++mail_of_) {
    const auto& feed = config_.feeds[mail_of_];
    if (feed.type != config::FeedType::maildir || feed.remove) continue;
    if (!only_feeds_.empty() && std::ranges::find(only_feeds_, feed.name) == only_feeds_.end()) continue;
    if (!mail_pass_) mail_pass_.emplace(feed.path);
    const auto step = mail_pass_->go_on(now - config_.maildir_kept, until);
    if (!step) {
      watch::log(Level::warning, "maildir-not-cleared",
                 {{"feed", feed.name}, Field::sentence("detail", step.error().text)});
    } else {
      mail_removed_ += step->removed;
      if (!step->at_end) return true;
    }
    mail_pass_.reset();
    const auto removed = std::exchange(mail_removed_, 0);
    if (removed > 0) watch::log(Level::info, "mail-expired", {{"feed", feed.name}, {"files", removed}});
  }
  mail_of_ = 0;
  return false;
}

void UpkeepTurns::config_changed() {
  mail_pass_.reset();
  mail_removed_ = 0;
  mail_of_ = 0;
}

void UpkeepTurns::report(const schema::Upkeep& done, UnixTime now, SharedIngestState* state) {
  since_report_.converted += done.converted;
  since_report_.evidence += done.evidence;
  since_report_.incidents += done.incidents;
  since_report_.quarantined += done.quarantined;
  since_report_.changes += done.changes;
  since_report_.octets_freed += done.octets_freed;
  const Room before = room_;
  room_.update(done);
  if (state != nullptr) {
    state->change([&](IngestState& shown) {
      shown.expired_incidents += done.incidents;
      shown.expired_evidence += done.evidence;
      shown.shortened = room_.shortened;
      shown.no_room = room_.none;
    });
  }
  if (room_.shortened && !before.shortened) {
    watch::log(
        Level::warning, "retention-shortened",
        {Field::sentence("detail",
                         "the database has reached retention.max_disk, so the oldest texts and incidents are removed "
                         "before their time; raise it, or shorten retention.evidence or retention.incidents")});
  }
  if (room_.none && !before.none) {
    watch::log(
        Level::warning, "no-room",
        {Field::sentence("detail",
                         "the database is larger than retention.max_disk, and nothing more may be removed: texts "
                         "beyond the newest 1,000 are gone, and so are incidents on which no score depends; "
                         "raise retention.max_disk, or make room on the disk")});
  }
  if (done.more) return;
  const auto& all = since_report_;
  if (all.converted > 0) watch::log(Level::info, "converted", {{"incidents", all.converted}});
  if (all.evidence + all.incidents + all.quarantined + all.changes > 0) {
    watch::log(Level::info, "retired",
               {{"evidence", all.evidence},
                {"incidents", all.incidents},
                {"quarantined", all.quarantined},
                {"changes", all.changes},
                {"octets_freed", all.octets_freed}});
  }
  since_report_ = {};
  if (state == nullptr) return;
  if (auto kept = store_.kept(now)) {
    state->change([&](IngestState& shown) { shown.kept = *kept; });
  }
}

}  // namespace blowback::record
