#include "record/ingest_state.h"

#include "blowback/kind.h"
#include "watch/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace blowback::record {
namespace {

using watch::MetricsText;
using enum MetricsText::Type;

void add_feeds(MetricsText& text, const IngestState& state) {
  text.family("blowback_ingest_deliveries_total", counter, "Deliveries read, by feed and outcome.");
  for (const auto& [name, feed] : state.feeds) {
    const auto& counts = feed.counts;
    const auto let_go = counts.not_backscatter + counts.not_a_trap + counts.quarantined;
    text.sample(counts.deliveries - let_go, {{"feed", name}, {"outcome", "backscatter"}});
    text.sample(counts.not_backscatter, {{"feed", name}, {"outcome", "not_backscatter"}});
    text.sample(counts.not_a_trap, {{"feed", name}, {"outcome", "not_a_trap"}});
    text.sample(counts.quarantined, {{"feed", name}, {"outcome", "quarantined"}});
  }
  text.family("blowback_ingest_duplicates_total", counter, "Incidents that were recorded before, by feed.");
  for (const auto& [name, feed] : state.feeds) text.sample(feed.counts.duplicates, {{"feed", name}});
  text.family("blowback_ingest_uncounted_total", counter,
              "Incidents that don't count against their client, by feed and reason.");
  for (const auto& [name, feed] : state.feeds) {
    const auto& counts = feed.counts;
    text.sample(counts.unknown_reverse_path, {{"feed", name}, {"reason", "unknown_reverse_path"}});
    text.sample(counts.uncounted - counts.unknown_reverse_path, {{"feed", name}, {"reason", "other"}});
  }
  text.family("blowback_feed_readable", gauge, "1 if the feed as a whole can be read, else 0.");
  for (const auto& [name, feed] : state.feeds) text.sample(std::uint64_t{feed.trouble.empty()}, {{"feed", name}});
  text.family("blowback_feed_last_delivery_timestamp_seconds", gauge,
              "When the feed delivered last, in seconds since 1970; 0 if it never did.");
  for (const auto& [name, feed] : state.feeds) {
    const auto at = feed.last_delivery.value_or(UnixTime{});
    text.sample(static_cast<double>(at.time_since_epoch().count()), {{"feed", name}});
  }
}

void add_commits(MetricsText& text, const IngestState& state) {
  text.family("blowback_ingest_commit_duration_seconds", histogram,
              "Batches, by the time their transaction took, waiting for the write lock included.");
  std::vector<MetricsText::Bucket> buckets;
  buckets.reserve(kCommitSteps.size());
  for (std::size_t i = 0; i < kCommitSteps.size(); ++i) {
    buckets.push_back(
        {.up_to = std::chrono::duration<double>(kCommitSteps.at(i)).count(), .count = state.commits.at(i)});
  }
  text.histogram(buckets, state.commits.back(), std::chrono::duration<double>(state.in_commits).count());
  text.single("blowback_ingest_commit_failures_total", counter, "Transactions that failed; each batch is tried again.",
              state.failed_commits);
  text.single("blowback_ingest_database_writable", gauge, "1 if the last access to the database succeeded, else 0.",
              std::uint64_t{state.database_trouble.empty()});
}

void add_kept(MetricsText& text, const IngestState& state) {
  text.single("blowback_ingest_expired_incidents_total", counter,
              "Incidents removed at the end of retention.incidents.", state.expired_incidents);
  text.single("blowback_ingest_expired_evidence_total", counter,
              "Texts of incidents removed at the end of retention.evidence.", state.expired_evidence);
  text.single("blowback_database_retention_shortened", gauge,
              "1 if incidents or their texts are removed before their time, since the database reached "
              "retention.max_disk, else 0.",
              std::uint64_t{state.shortened});
  text.single("blowback_database_no_room", gauge,
              "1 if the database is larger than retention.max_disk and nothing more may be removed, else 0.",
              std::uint64_t{state.no_room});
  if (!state.kept) return;
  text.single("blowback_database_bytes", gauge, "Size of the database, without its -wal file.", state.kept->octets);
  text.single("blowback_database_free_bytes", gauge, "Bytes of it that are free.", state.kept->free_octets);
  if (state.kept->octets_per_day) {
    text.single("blowback_database_growth_bytes_per_day", gauge, "Growth of what is used, over the last 30 days.",
                *state.kept->octets_per_day);
  }
  text.single("blowback_database_incidents_to_convert", gauge,
              "Incidents of the former format that are still to be moved.", state.kept->to_convert);
}

}  // namespace

void IngestState::add(const schema::Batch& batch, const schema::Recorded& recorded, std::chrono::nanoseconds took,
                      UnixTime now) {
  auto& feed = feeds[batch.feed];
  feed.counts.deliveries += batch.counts.deliveries;
  feed.counts.incidents += recorded.incidents;
  feed.counts.uncounted += recorded.uncounted;
  feed.counts.unknown_reverse_path += recorded.unknown_reverse_path;
  feed.counts.duplicates += recorded.duplicates;
  feed.counts.not_backscatter += batch.counts.not_backscatter;
  feed.counts.not_a_trap += batch.counts.not_a_trap;
  feed.counts.quarantined += batch.counts.quarantined;
  if (batch.counts.deliveries > 0) feed.last_delivery = now;
  for (std::size_t i = 0; i < incidents_by_kind.size(); ++i) {
    incidents_by_kind.at(i) += recorded.incidents_by_kind.at(i);
  }
  for (const auto& thing : batch.quarantined) ++quarantined_by_reason[thing.reason];
  listed += recorded.newly_listed.size();
  serial = recorded.serial;
  const auto step = static_cast<std::size_t>(std::ranges::lower_bound(kCommitSteps, took) - kCommitSteps.begin());
  ++commits.at(step);
  in_commits += took;
}

std::string to_metrics(const IngestState& state) {
  MetricsText text;
  watch::add_process(text, "blowback-ingest", state.version,
                     static_cast<double>(state.started_at.time_since_epoch().count()));
  add_feeds(text, state);
  text.family("blowback_ingest_incidents_total", counter, "Incidents recorded, by kind.");
  for (std::size_t i = 0; i < state.incidents_by_kind.size(); ++i) {
    text.sample(state.incidents_by_kind.at(i), {{"kind", name_of(static_cast<Kind>(i))}});
  }
  text.family("blowback_ingest_quarantined_total", counter,
              "Deliveries that couldn't be judged or attributed, by reason.");
  for (const auto& [reason, count] : state.quarantined_by_reason) text.sample(count, {{"reason", reason}});
  text.single("blowback_ingest_callouts_let_go_total", counter,
              "Sender callouts that weren't recorded, since their client was listed.", state.callouts_let_go);
  text.single("blowback_ingest_listed_total", counter, "Senders that reached the threshold.", state.listed);
  text.single("blowback_ingest_expired_total", counter, "Listings and exemptions that ended and were removed.",
              state.expired);
  text.single("blowback_ingest_brought_back_total", counter,
              "Listings and exemptions restored that were removed too early because of a wrong clock.",
              state.brought_back);
  text.family("blowback_ingest_removals_total", counter, "Requests for removal that were decided, by outcome.");
  text.sample(state.removals_done, {{"outcome", "done"}});
  text.sample(state.removals_refused, {{"outcome", "refused"}});
  text.single("blowback_removals_pending", gauge, "Requests for removal that wait for their time.",
              state.removals_pending);
  add_kept(text, state);
  watch::add_clock(text, state.clock_doubt);
  watch::add_config(text, state.config);
  text.single("blowback_journal_serial", gauge, "The database's serial; blowback_zone_serial follows it.",
              std::uint64_t{state.serial});
  add_commits(text, state);
  return std::move(text).done();
}

watch::Health health(const IngestState& state, std::chrono::steady_clock::time_point now) {
  if (!state.turned_at || now - *state.turned_at <= watch::kStandsStill) return {};
  const auto since = std::chrono::duration<double>(now - *state.turned_at).count();
  return {{.name = "loop-stuck",
           .detail = fmt::format("the loop hasn't made a turn for {:.3g} s", since),
           .mend = "check the disks of the feeds and the database, then restart blowback-ingest; nothing is lost"}};
}

watch::Health readiness(const IngestState& state, std::chrono::steady_clock::time_point now) {
  auto trouble = health(state, now);
  if (!state.turned_at) {
    trouble.push_back({.name = "starting", .detail = "no feed was read yet", .mend = "wait"});
  }
  if (!state.database_trouble.empty()) {
    trouble.push_back({.name = "database-trouble",
                       .detail = state.database_trouble,
                       .mend = "correct that; what was read is kept in memory and tried again every second"});
  }
  watch::add_clock(trouble, state.clock_doubt);
  for (const auto& [name, feed] : state.feeds) {
    if (feed.trouble.empty()) continue;
    trouble.push_back({.name = "feed-unreadable",
                       .detail = fmt::format("feed {}: {}", name, feed.trouble),
                       .mend = "correct that; the feed is tried again every second, and the others are read"});
  }
  watch::add_config(trouble, state.config);
  return trouble;
}

}  // namespace blowback::record
