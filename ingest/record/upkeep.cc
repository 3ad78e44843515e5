// When a slice is due, and what is logged of it.
#include "record/upkeep.h"

#include "feed/feed.h"
#include "score/replay.h"
#include "watch/log.h"

#include <algorithm>
#include <string>

namespace blowback::record {
namespace {

using std::chrono::steady_clock;
using watch::Field;
using watch::Level;

/// Where there was nothing to do it is asked again after this.
constexpr std::chrono::seconds kAskAgain{60};
constexpr std::chrono::hours kMailEvery{1};
/// Files of a Maildir that are removed in one go.
constexpr std::size_t kMailAtOnce = 1'000;
constexpr std::chrono::seconds kFinishWithin{10};

}  // namespace

UpkeepTurns::UpkeepTurns(const config::Config& config, schema::Store& store, Steady now)
    : config_(config), store_(store), clock_(store), due_at_(now) {}

schema::Result<void> UpkeepTurns::turn(UnixTime now, SharedIngestState* state) {
  const auto began = steady_clock::now();
  if (began < due_at_) return {};
  const auto more = slice(now, state);
  if (!more) return std::unexpected(more.error());
  const auto ended = steady_clock::now();
  // As long a pause as the slice took: others get at least half of the time.
  due_at_ = *more ? ended + (ended - began) : ended + kAskAgain;
  return {};
}

schema::Result<void> UpkeepTurns::finish(UnixTime now, SharedIngestState* state) {
  const auto until = steady_clock::now() + kFinishWithin;
  while (true) {
    const auto more = slice(now, state);
    if (!more) return std::unexpected(more.error());
    if (!*more || steady_clock::now() >= until) return {};
  }
}

schema::Result<bool> UpkeepTurns::slice(UnixTime now, SharedIngestState* state) {
  const auto expiring = clock_.now(now);
  if (!expiring) return std::unexpected(expiring.error());
  const auto done = store_.keep_up(*expiring, config_.policy, config_.retention, &score::reckon);
  if (!done) return std::unexpected(done.error());
  remove_old_mail(*expiring);
  report(*done, *expiring, state);
  return done->more;
}

void UpkeepTurns::remove_old_mail(UnixTime now) {
  const auto steady = steady_clock::now();
  if (mail_removed_at_ && steady < *mail_removed_at_ + kMailEvery) return;
  mail_removed_at_ = steady;
  for (const auto& feed : config_.feeds) {
    if (feed.type != config::FeedType::maildir || feed.remove) continue;
    const auto removed = feed::remove_old_mail(feed.path, now - config_.maildir_kept, kMailAtOnce);
    if (!removed) {
      watch::log(Level::warning, "maildir-not-cleared",
                 {{"feed", feed.name}, Field::sentence("detail", removed.error().text)});
    } else if (*removed > 0) {
      watch::log(Level::info, "mail-expired", {{"feed", feed.name}, {"files", *removed}});
      if (*removed == kMailAtOnce) mail_removed_at_.reset();
    }
  }
}

void UpkeepTurns::report(const schema::Upkeep& done, UnixTime now, SharedIngestState* state) {
  since_report_.converted += done.converted;
  since_report_.evidence += done.evidence;
  since_report_.incidents += done.incidents;
  since_report_.quarantined += done.quarantined;
  since_report_.changes += done.changes;
  since_report_.octets_freed += done.octets_freed;
  if (state != nullptr) {
    state->change([&](IngestState& shown) {
      shown.expired_incidents += done.incidents;
      shown.expired_evidence += done.evidence;
      shown.shortened = done.shortened || (done.more && shown.shortened);
    });
  }
  if (done.shortened && !was_shortened_) {
    watch::log(
        Level::warning, "retention-shortened",
        {Field::sentence("detail",
                         "the database has reached retention.max_disk, so the oldest texts and incidents go before "
                         "their time; raise it, or shorten retention.evidence or retention.incidents")});
  }
  was_shortened_ = done.shortened || (done.more && was_shortened_);
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
