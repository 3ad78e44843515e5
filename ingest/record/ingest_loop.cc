// What fails is logged once and tried again every second.
#include "record/ingest_loop.h"

#include "config/written.h"
#include "record/intake.h"
#include "record/judges.h"
#include "record/listed_callers.h"
#include "record/opened_feed.h"
#include "record/removal_mail.h"
#include "record/troubles.h"
#include "record/upkeep.h"
#include "score/assess.h"
#include "score/replay.h"
#include "system/descriptor_limit.h"
#include "system/progress_line.h"
#include "watch/log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::record {
namespace {

using watch::Field;
using watch::Level;

/// How often expired listings are removed. Nothing depends on it: servers don't answer for expired listings.
constexpr Duration kSweepEvery = std::chrono::seconds{10};
/// Feeds without a descriptor, and whatever failed, are tried again after this.
constexpr std::chrono::milliseconds kAskAgain{1'000};

/// Upkeep that has run for so long without a failure counts as successful: the slice that failed would have come up again.
constexpr std::chrono::minutes kLongWithoutFailure{1};

}  // namespace

class IngestLoop::Impl {
 public:
  Impl(config::Config config, LoopOptions options, schema::Store store, Surroundings surroundings)
      : config_(std::move(config)),
        options_(std::move(options)),
        store_(std::move(store)),
        surroundings_(std::move(surroundings)) {
    for (auto& settings : wanted(config_))
      feeds_.push_back(std::make_unique<OpenedFeed>(std::move(settings), config_.traps));
    reset_feed_states();
  }

  Ended run() {
    for (bool first = true;; first = false) {
      switch (surroundings_.requests.next()) {
        case Request::stop:
          return Ended::stop;
        case Request::reload:
          return Ended::reload;
        case Request::none:
          break;
      }
      bool all_drained = true;
      bool any_trouble = false;
      const bool has_database = check_database();
      for (auto& open : feeds_) {
        turned();
        if (!has_database || !read_from(*open)) any_trouble = true;
        all_drained &= open->drained || open->trouble_logged;
      }
      if (options_.once && troubles_.any()) return Ended::store_failed;
      if (has_database) end_trouble_of_idle_recording();
      std::erase_if(feeds_,
                    [](const auto& open) { return open->leaves && !open->pending && (open->drained || !open->feed); });
      check_clock();
      const bool ends = all_drained && (options_.once || (!any_trouble && reads_one_message()));
      // The last round always sweeps, so that the list is up to date.
      if (ends) swept_at_.reset();
      if (has_database) {
        sweep();
        turned();
        keep_up(ends);
        turned();
      }
      if (first) {
        log_feeds();
        if (surroundings_.on_first_round) surroundings_.on_first_round();
      }
      if (options_.once && troubles_.any()) return Ended::store_failed;
      if (more_to_sweep_ && !holds_up_mail()) continue;
      if (ends && !troubles_.any()) return any_trouble ? Ended::feed_failed : Ended::drained;
      if (all_drained || any_trouble) wait();
    }
  }

  void judge_by(std::shared_ptr<const detect::SignatureSet> signatures) { signatures_ = std::move(signatures); }

  /// Does what can fail first, so that nothing has to be undone.
  [[nodiscard]] std::expected<void, std::string> change(config::Config config) {
    std::optional<schema::Store> other;
    if (config.database != config_.database) {
      auto opened = schema::Store::open(config.database, schema::Store::Mode::create);
      if (!opened) return std::unexpected(opened.error().text);
      other = std::move(*opened);
    }
    auto settings = wanted(config);
    const auto formers = formers_of(settings, other.has_value());
    for (const auto& open : feeds_) {
      if (std::ranges::find(formers, open.get()) != formers.end() || !open->reads_standard_input()) continue;
      if (open->drained && !open->pending) continue;
      return std::unexpected(
          fmt::format("feed {} reads standard input, which isn't at its end and can't be read twice; keep the feed in "
                      "the config, or "
                      "restart blowback-ingest when the writer is done",
                      open->source.feed));
    }
    const FeedSurroundings with = surroundings_of(config);
    std::vector<std::unique_ptr<OpenedFeed>> fresh(settings.size());
    std::vector<std::function<void()>> apply(settings.size());
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (formers[i] != nullptr) {
        auto ready = formers[i]->prepare(settings[i], with);
        if (!ready) return std::unexpected(fmt::format("feed {}: {}", settings[i].name, ready.error().text));
        apply[i] = std::move(*ready);
        continue;
      }
      fresh[i] = std::make_unique<OpenedFeed>(settings[i], config.traps);
      // A missing file may still appear, as at the start. A port that can't be bound is a mistake in the config.
      if (!settings[i].has_listener()) continue;
      if (auto opened = fresh[i]->open(with, std::nullopt); !opened) {
        return std::unexpected(fmt::format("feed {}: {}", settings[i].name, opened.error().text));
      }
    }
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (formers[i] == nullptr) continue;
      apply[i]();
      fresh[i] = std::move(*std::ranges::find(feeds_, formers[i], &std::unique_ptr<OpenedFeed>::get));
    }
    for (auto& open : feeds_) {
      // A feed that left the config stays while it holds the only copy of mail.
      if (!open || !open->feed || !open->settings.has_listener()) continue;
      open->leaves = true;
      fresh.push_back(std::move(open));
    }
    feeds_ = std::move(fresh);
    if (other) {
      store_ = std::move(*other);
      upkeep_.emplace(config_, store_, options_.only_feeds, std::chrono::steady_clock::now());
      troubles_ = {};
      show_trouble();
      swept_at_.reset();
    }
    if (config.ingest.judges != config_.ingest.judges) judges_.emplace(config.ingest.judges);
    config_ = std::move(config);
    upkeep_->config_changed();
    reset_feed_states();
    return {};
  }

 private:
  /// Whether all feeds read standard input and are done, so that there is nothing to wait for.
  [[nodiscard]] bool reads_one_message() const {
    return !feeds_.empty() && std::ranges::all_of(feeds_, [](const auto& open) {
      return open->settings.type == config::FeedType::standard_input && open->drained && !open->pending;
    });
  }

  /// The feeds of `config` that the options select.
  [[nodiscard]] std::vector<config::Feed> wanted(const config::Config& config) const {
    const auto& only = options_.only_feeds;
    auto feeds = config.feeds;
    std::erase_if(feeds, [&](const config::Feed& feed) {
      return !only.empty() && std::ranges::find(only, feed.name) == only.end();
    });
    return feeds;
  }

  [[nodiscard]] FeedSurroundings surroundings_of(const config::Config& config) const {
    return {.traps = config.traps,
            .stdin_envelope = options_.stdin_envelope,
            .now = surroundings_.now,
            .removal_mail = config.removal.mail};
  }

  /// For each of `wanted` the open feed that continues as it, or nullptr. Feeds of the same name come first; a feed may have been renamed.
  [[nodiscard]] std::vector<OpenedFeed*> formers_of(const std::vector<config::Feed>& wanted, bool in_another_database) {
    std::vector<OpenedFeed*> formers(wanted.size());
    for (const bool by_name : {true, false}) {
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (formers[i] != nullptr) continue;
        const auto found = std::ranges::find_if(feeds_, [&](const auto& open) {
          // The other database has its own positions in files.
          if (in_another_database && !open->holds_the_only_copy()) return false;
          // A feed that couldn't be opened continues only if nothing changed.
          if (!open->feed && open->settings != wanted[i]) return false;
          return (!by_name || open->settings.name == wanted[i].name) && open->can_become(wanted[i]) &&
                 std::ranges::find(formers, open.get()) == formers.end();
        });
        if (found != feeds_.end()) formers[i] = found->get();
      }
    }
    return formers;
  }

  /// Logs what is read and where it is recorded. For feeds that can't be opened, `feed-unreadable` was logged.
  void log_feeds() {
    const auto level = options_.once ? Level::debug : Level::info;
    for (const auto& open : feeds_) {
      if (!open->feed || open->leaves) continue;
      const auto& settings = open->settings;
      const Field feed("feed", settings.name);
      const Field type("type", config::name_of(settings.type));
      if (settings.has_listener()) {
        watch::log(level, "listening",
                   {feed, type, Field::sentence("at", fmt::format("{}", fmt::join(config::places_of(settings), " ")))});
      } else {
        watch::log(level, "reading",
                   {feed, type, Field::sentence("path", open->reads_standard_input() ? "-" : settings.path)});
      }
    }
    const auto serial = store_.serial();
    if (!serial) return;
    watch::log(
        level, "recording",
        {Field::sentence("database", config_.database), {"format", schema::schema_version()}, {"serial", *serial}});
  }

  /// Notices that the database's file was removed or replaced: what is committed to it then is lost, and SQLite doesn't report that. False:
  /// there is no file; pending batches wait, or are read again.
  bool check_database() {
    const auto followed = store_.follow_file();
    if (!followed) {
      failed(Work::file, followed.error());
      return false;
    }
    succeeded(Work::file);
    if (*followed == schema::Store::Followed::same) return true;
    watch::log(Level::warning, "database-replaced", {{"file", config_.database}});
    // The feeds continue at the positions in this database.
    for (auto& open : feeds_) {
      if (open->holds_the_only_copy()) continue;
      open->pending.reset();
      open->feed.reset();
      open->drained = false;
    }
    upkeep_.emplace(config_, store_, options_.only_feeds, std::chrono::steady_clock::now());
    swept_at_.reset();
    return true;
  }

  /// Reads and commits one chunk of one feed. False: the feed can't be read, or its chunk can't be committed.
  bool read_from(OpenedFeed& open) {
    if (!open.feed && open.leaves) return true;
    if (!open.feed && (open.open_again_at > std::chrono::steady_clock::now() || !open_feed(open))) return false;
    if (open.pending) return commit_pending(open);
    auto chunk = open.feed->next({});
    if (!chunk) {
      feed_failed(open, chunk.error().text);
      return false;
    }
    if (std::exchange(open.trouble_logged, false)) {
      watch::log(Level::info, "feed-back", {{"feed", open.source.feed}});
      update([&](IngestState& state) { state.feeds[open.source.feed].trouble.clear(); });
    }
    open.drained = chunk->drained;
    answer_removals(*chunk);
    drop_callouts_of_listed(*chunk, open);
    if (chunk->items.empty() && !chunk->position) return true;
    open.source.signatures = signatures_;
    open.pending = judges_->batch_of(*chunk, open.source, surroundings_.now());
    return commit_pending(open);
  }

  void answer_removals(const feed::Chunk& chunk) {
    for (const auto& mail : chunk.removals) {
      const auto filed = take_removal_mail(mail, store_, config_.removal.rules, surroundings_.now());
      if (!filed) continue;
      watch::log(Level::info, "removal-requested",
                 {{"sender", filed->sender.to_string()},
                  {"proof", name_of(filed->proof)},
                  {"due", to_iso8601(filed->due_at)}});
      // It may be due now.
      swept_at_.reset();
    }
  }

  void drop_callouts_of_listed(feed::Chunk& chunk, const OpenedFeed& open) {
    Duration ttl{};
    for (const auto& zone : config_.zones()) ttl = std::max(ttl, zone.ttl);
    const auto count = remove_listed_callers(chunk, [&](const IpAddress& client, UnixTime at) {
      // A database that can't be read is no reason to accuse anybody.
      const auto dossier = store_.dossier(client, 0);
      return !dossier || may_have_been_refused(*dossier, at, ttl);
    });
    if (count == 0) return;
    update([&](IngestState& state) { state.callouts_let_go += count; });
    watch::log(Level::debug, "callouts-let-go", {{"feed", open.source.feed}, {"count", count}});
  }

  /// Commits the pending batch. False: it can't be committed now.
  bool commit_pending(OpenedFeed& open) {
    if (!commit(*open.pending)) return false;
    // If the file was replaced meanwhile, the batch went to the old one and has to be recorded again.
    if (!store_.is_in_place()) return false;
    const std::uint64_t deliveries = open.pending->counts.deliveries;
    open.pending.reset();
    if (auto moved = open.feed->committed(); !moved) {
      watch::log(Level::warning, "feed-not-cleared",
                 {{"feed", open.source.feed}, Field::sentence("detail", moved.error().text)});
    }
    if (options_.show_progress) {
      if (const auto far = open.feed->progress()) {
        progress_.show(open.source.feed, far->done, far->total, deliveries, "deliveries");
      }
    }
    return true;
  }

  bool open_feed(OpenedFeed& open) {
    const auto position = store_.feed_position(open.source.feed);
    if (!position) {
      failed(Work::recording, position.error());
      return false;
    }
    if (auto opened = open.open(surroundings_of(config_), *position); !opened) {
      feed_failed(open, opened.error().text);
      return false;
    }
    const auto& settings = open.settings;
    if (settings.has_listener() && connections_of(settings) < static_cast<std::size_t>(settings.listener.connections)) {
      watch::log(Level::warning, "descriptors-short",
                 {{"feed", open.source.feed},
                  {"wanted", settings.listener.connections},
                  {"possible", connections_of(settings)},
                  {"limit", descriptor_limit()}});
    }
    const bool is_unquoted = settings.type == config::FeedType::mbox && settings.quoting == config::MboxQuoting::none;
    if (is_unquoted && !std::exchange(open.unquoted_logged, true)) {
      watch::log(
          Level::warning, "mbox-unquoted",
          {{"feed", open.source.feed},
           Field::sentence("detail",
                           "anybody can write messages into this mbox, so none of them counts against its sender; "
                           "set the feed's quoting to what the file's writer does")});
    }
    return true;
  }

  void feed_failed(OpenedFeed& open, const std::string& detail) {
    open.feed.reset();
    open.drained = false;
    open.open_again_at = std::chrono::steady_clock::now() + kAskAgain / 2;
    update([&](IngestState& state) { state.feeds[open.source.feed].trouble = detail; });
    if (std::exchange(open.trouble_logged, true)) return;
    watch::log(Level::error, "feed-unreadable", {{"feed", open.source.feed}, Field::sentence("detail", detail)});
  }

  bool commit(const schema::Batch& batch) {
    const auto began = std::chrono::steady_clock::now();
    const UnixTime now = surroundings_.now();
    const auto recorded = store_.record(batch, config_.policy, &score::assess, now);
    if (!recorded) {
      update([](IngestState& state) { ++state.failed_commits; });
      failed(Work::recording, recorded.error());
      return false;
    }
    update([&](IngestState& state) { state.add(batch, *recorded, std::chrono::steady_clock::now() - began, now); });
    succeeded(Work::recording);
    if (batch.dated_ahead > 0) {
      watch::log(Level::warning, "dated-ahead", {{"feed", batch.feed}, {"deliveries", batch.dated_ahead}});
    }
    for (const auto& thing : batch.quarantined) {
      // Without its quote: logs are read by more people than the database, and a sender who marks each recipient could reveal the traps
      // through it.
      watch::log(Level::warning, "quarantined",
                 {{"feed", thing.feed},
                  Field::sentence("where", thing.where),
                  {"reason", thing.reason},
                  Field::sentence("detail", thing.for_log)});
    }
    for (const auto& prefix : recorded->newly_listed)
      watch::log(Level::info, "listed", {{"sender", prefix.to_string()}});
    if (batch.counts.deliveries > 0) {
      watch::log(Level::debug, "batch",
                 {{"feed", batch.feed},
                  {"deliveries", batch.counts.deliveries},
                  {"incidents", recorded->incidents},
                  {"duplicates", recorded->duplicates},
                  {"serial", recorded->serial}});
    }
    return true;
  }

  /// Whether it is pointless to read the feeds.
  [[nodiscard]] bool holds_up_mail() const { return troubles_.has(Work::file) || troubles_.has(Work::recording); }

  void failed(Work work, const schema::StoreError& error) {
    if (troubles_.begin(work, error.text)) {
      watch::log(Level::error, "database-trouble", {{"work", name_of(work)}, Field::sentence("detail", error.text)});
    }
    show_trouble();
  }

  void succeeded(Work work) {
    if (troubles_.end(work)) {
      watch::log(Level::info, "database-back", {{"work", name_of(work)}, {"file", config_.database}});
    }
    show_trouble();
  }

  void show_trouble() const {
    update([&](IngestState& state) { state.database_trouble = troubles_.first(); });
  }

  /// If the feeds whose batches couldn't be recorded have left, no commit will end the trouble.
  void end_trouble_of_idle_recording() {
    const auto waits = [](const auto& open) { return open->pending || (!open->feed && !open->trouble_logged); };
    if (std::ranges::none_of(feeds_, waits)) succeeded(Work::recording);
  }

  void sweep() {
    const auto steady = std::chrono::steady_clock::now();
    const auto pause = troubles_.has(Work::sweeping) ? std::chrono::milliseconds(kAskAgain)
                       : more_to_sweep_              ? std::chrono::milliseconds{0}
                                                     : std::chrono::milliseconds(kSweepEvery);
    if (swept_at_ && steady < *swept_at_ + pause) return;
    more_to_sweep_ = false;
    // While the clock is in doubt, listings may seem to have expired. Servers look at the time themselves.
    const bool clock_is_trusted = !surroundings_.clock_doubt();
    const bool has_failed = clock_is_trusted && !sweep(surroundings_.now());
    swept_at_ = std::chrono::steady_clock::now();
    if (has_failed) return;
    if (clock_is_trusted) succeeded(Work::sweeping);
    // The operator's commands change it, too.
    const auto serial = store_.serial();
    const auto removals = store_.removal_counts();
    update([&](IngestState& state) {
      if (serial) state.serial = *serial;
      if (removals) state.removals_pending = removals->pending;
    });
  }

  /// Does one slice, so that no feed has to wait; the next round continues. False: the database failed.
  bool sweep(UnixTime now) {
    const auto failure = [this](const schema::StoreError& error) {
      failed(Work::sweeping, error);
      return false;
    };
    const auto mended = store_.mend_times(now, config_.policy);
    if (!mended) return failure(mended.error());
    if (*mended != schema::Mended{}) {
      watch::log(
          Level::warning, "times-mended",
          {{"listings", mended->listings}, {"exemptions", mended->exemptions}, {"shortened", mended->shortened}});
    }
    // Listings that are about to be restored must not be removed first.
    const auto ended = mended->more ? schema::Result<std::uint64_t>(0) : store_.expire(now);
    if (!ended) return failure(ended.error());
    if (*ended > 0) watch::log(Level::info, "expired", {{"count", *ended}});
    const auto removed = store_.remove_due(config_.removal.rules, now);
    if (!removed) return failure(removed.error());
    for (const auto& request : removed->decided) log_removal(request);
    const auto carried = store_.carry_on(config_.policy, &score::reckon, now);
    if (!carried) return failure(carried.error());
    if (carried->finished) watch::log(Level::info, "decision-finished", {{"id", *carried->finished}});
    update([&](IngestState& state) {
      state.expired += *ended;
      state.brought_back += mended->listings + mended->exemptions;
      for (const auto& request : removed->decided) {
        ++(request.state == RemovalState::done ? state.removals_done : state.removals_refused);
      }
    });
    more_to_sweep_ = mended->more || *ended > 0 || carried->slices > 0 || removed->more;
    return true;
  }

  static void log_removal(const RemovalRequest& request) {
    const Field sender("sender", request.sender.to_string());
    const Field proof("proof", name_of(request.proof));
    if (request.refused) {
      watch::log(Level::info, "removal-refused", {sender, proof, {"reason", name_of(*request.refused)}});
    } else {
      watch::log(Level::info, "removed", {sender, proof, {"id", request.audit.value_or(0)}});
    }
  }

  /// Does one slice of upkeep, or `all` there is. Nothing expires while the clock is in doubt.
  void keep_up(bool all) {
    if (surroundings_.clock_doubt()) return;
    const UnixTime now = surroundings_.now();
    const auto done = all ? upkeep_->finish(now, surroundings_.state) : upkeep_->turn(now, surroundings_.state);
    const auto steady = std::chrono::steady_clock::now();
    if (!done) {
      upkeep_failed_at_ = steady;
      failed(Work::upkeep, done.error());
      return;
    }
    // That this slice succeeded doesn't mean that the one that failed would, unless that has come up again by now.
    using enum UpkeepTurns::Turn;
    if (*done == through || (*done == went_on && steady >= upkeep_failed_at_ + kLongWithoutFailure)) {
      succeeded(Work::upkeep);
    }
  }

  void check_clock() {
    // The clock notices a step when it is asked for the time.
    static_cast<void>(surroundings_.now());
    const auto doubt = surroundings_.clock_doubt();
    update([&](IngestState& state) { state.clock_doubt = doubt; });
  }

  void turned() const {
    update([](IngestState& state) { state.turned_at = std::chrono::steady_clock::now(); });
    if (surroundings_.on_turn) surroundings_.on_turn();
  }

  template <typename Change>
  void update(Change change) const {
    if (surroundings_.state != nullptr) surroundings_.state->change(change);
  }

  /// Drops the counts of feeds that the config no longer has, and keeps the others. Trouble that continues is logged again.
  void reset_feed_states() {
    std::map<std::string, IngestState::Feed> now;
    const auto before = surroundings_.state == nullptr ? IngestState{} : surroundings_.state->copy();
    for (const auto& open : feeds_) {
      open->trouble_logged = false;
      open->open_again_at.reset();
      auto& feed = now[open->source.feed];
      if (const auto known = before.feeds.find(open->source.feed); known != before.feeds.end()) feed = known->second;
      feed.trouble.clear();
      if (const auto last = store_.last_delivery(open->source.feed)) feed.last_delivery = *last;
    }
    update([&](IngestState& state) { state.feeds = std::move(now); });
  }

  /// Waits for a feed, a request, or the time of the next turn.
  void wait() {
    std::vector<pollfd> watched{{.fd = surroundings_.requests.fd, .events = POLLIN, .revents = 0}};
    if (!holds_up_mail()) {
      for (const auto& open : feeds_) {
        const int descriptor = open->feed ? open->feed->wake_fd() : -1;
        if (descriptor >= 0) watched.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
      }
    }
    const auto until_upkeep =
        std::chrono::ceil<std::chrono::milliseconds>(upkeep_->due_at() - std::chrono::steady_clock::now());
    const bool pauses = holds_up_mail() || surroundings_.clock_doubt();
    const auto most = pauses ? kAskAgain : std::clamp(until_upkeep, std::chrono::milliseconds{0}, kAskAgain);
    // If poll is interrupted or fails, the feeds are read sooner.
    static_cast<void>(poll(watched.data(), watched.size(), static_cast<int>(most.count())));
  }

  config::Config config_;
  LoopOptions options_;
  schema::Store store_;
  Surroundings surroundings_;
  std::shared_ptr<const detect::SignatureSet> signatures_;
  std::vector<std::unique_ptr<OpenedFeed>> feeds_;
  std::optional<Judges> judges_{std::in_place, config_.ingest.judges};
  ProgressLine progress_{stderr, std::chrono::milliseconds{0}};
  std::optional<UpkeepTurns> upkeep_{std::in_place, config_, store_, options_.only_feeds,
                                     std::chrono::steady_clock::now()};
  std::optional<std::chrono::steady_clock::time_point> swept_at_;
  bool more_to_sweep_ = false;  ///< the last sweep did a slice, and more is left
  Troubles troubles_;
  std::chrono::steady_clock::time_point upkeep_failed_at_;
};

IngestLoop::IngestLoop(config::Config config, LoopOptions options, schema::Store store, Surroundings surroundings)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(options), std::move(store), std::move(surroundings))) {}
IngestLoop::~IngestLoop() = default;

void IngestLoop::judge_by(std::shared_ptr<const detect::SignatureSet> signatures) {
  impl_->judge_by(std::move(signatures));
}
Ended IngestLoop::run() { return impl_->run(); }
std::expected<void, std::string> IngestLoop::change(config::Config config) { return impl_->change(std::move(config)); }

}  // namespace blowback::record
