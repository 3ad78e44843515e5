// The loop itself. What fails is told once and tried again each second; what was committed is told at once.
#include "record/ingest_loop.h"

#include "config/written.h"
#include "record/intake.h"
#include "record/judges.h"
#include "record/listed_callers.h"
#include "record/opened_feed.h"
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

/// What has ended is swept up this often; nothing depends on it, servers don't answer for expired listings anyway.
constexpr Duration kSweepEvery = std::chrono::seconds{10};
/// Feeds without a descriptor, and whatever failed, are asked again after this.
constexpr std::chrono::milliseconds kAskAgain{1'000};

/// Upkeep that goes on for so long is as good as done: what had failed would have come.
constexpr std::chrono::minutes kLongWithoutFailure{1};

/// Beyond the TTL of its answers: a mail server's process may keep what it was told for as long as it lives, whatever the TTL.
constexpr Duration kAnswersLinger = std::chrono::hours{1};

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
    note_feeds();
  }

  Ended run() {
    for (bool first = true;; first = false) {
      if (const Ended asked = surroundings_.asked(); asked != Ended::drained) return asked;
      bool all_drained = true;
      bool any_trouble = false;
      const bool has_database = look_at_database();
      for (auto& open : feeds_) {
        turned();
        if (!has_database || !take_from(*open)) any_trouble = true;
        all_drained &= open->drained || open->told_trouble;
      }
      if (options_.once && is_in_trouble()) return Ended::store_failed;
      if (has_database) forget_trouble_of_recording();
      std::erase_if(feeds_,
                    [](const auto& open) { return open->leaves && !open->pending && (open->drained || !open->feed); });
      look_at_clock();
      const bool ends = all_drained && (options_.once || (!any_trouble && reads_one_message()));
      // The last look before the end sweeps always, so that the list is left as it is now.
      if (ends) swept_at_.reset();
      if (has_database) {
        sweep();
        turned();
        keep_up(ends);
        turned();
      }
      if (first) {
        tell_of_feeds();
        if (surroundings_.looked_once) surroundings_.looked_once();
      }
      if (options_.once && is_in_trouble()) return Ended::store_failed;
      if (more_to_sweep_ && !holds_up_mail()) continue;
      if (ends && !is_in_trouble()) return any_trouble ? Ended::feed_failed : Ended::drained;
      if (all_drained || any_trouble) wait();
    }
  }

  /// First all that can fail, then all that can't, so that there is nothing to take back.
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
      return std::unexpected(fmt::format(
          "feed {} reads standard input, which isn't at its end, and what was read of it can't be read again; "
          "leave the feed in, or restart blowback-ingest once its writer is done",
          open->source.feed));
    }
    const FeedSurroundings with = surroundings_of(config.traps);
    std::vector<std::unique_ptr<OpenedFeed>> fresh(settings.size());
    std::vector<std::function<void()>> takes_over(settings.size());
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (formers[i] != nullptr) {
        auto ready = formers[i]->prepare(settings[i], with);
        if (!ready) return std::unexpected(fmt::format("feed {}: {}", settings[i].name, ready.error().text));
        takes_over[i] = std::move(*ready);
        continue;
      }
      fresh[i] = std::make_unique<OpenedFeed>(settings[i], config.traps);
      // A file that isn't there may come, as at the start. A port that is another's is a mistake.
      if (!settings[i].has_listener()) continue;
      if (auto opened = fresh[i]->open(with, std::nullopt); !opened) {
        return std::unexpected(fmt::format("feed {}: {}", settings[i].name, opened.error().text));
      }
    }
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (formers[i] == nullptr) continue;
      takes_over[i]();
      fresh[i] = std::move(*std::ranges::find(feeds_, formers[i], &std::unique_ptr<OpenedFeed>::get));
    }
    for (auto& open : feeds_) {
      // Of the others those stay a while who hold what nobody else has.
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
    note_feeds();
    return {};
  }

 private:
  /// Whether there is nothing to wait for once standard input's message is in.
  [[nodiscard]] bool reads_one_message() const {
    return !feeds_.empty() && std::ranges::all_of(feeds_, [](const auto& open) {
      return open->settings.type == config::FeedType::standard_input && open->drained && !open->pending;
    });
  }

  /// The feeds that are to be read.
  [[nodiscard]] std::vector<config::Feed> wanted(const config::Config& config) const {
    const auto& only = options_.only_feeds;
    auto feeds = config.feeds;
    std::erase_if(feeds, [&](const config::Feed& feed) {
      return !only.empty() && std::ranges::find(only, feed.name) == only.end();
    });
    return feeds;
  }

  [[nodiscard]] FeedSurroundings surroundings_of(const config::Traps& traps) const {
    return {.traps = traps, .stdin_envelope = options_.stdin_envelope, .now = surroundings_.now};
  }

  /// For each of `wanted` the feed that goes on as it, or nullptr. One of the same name first; a feed may have been renamed.
  [[nodiscard]] std::vector<OpenedFeed*> formers_of(const std::vector<config::Feed>& wanted, bool in_another_database) {
    std::vector<OpenedFeed*> formers(wanted.size());
    for (const bool by_name : {true, false}) {
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (formers[i] != nullptr) continue;
        const auto found = std::ranges::find_if(feeds_, [&](const auto& open) {
          // Files are read from where the other database says.
          if (in_another_database && !open->holds_the_only_copy()) return false;
          // What can't be opened is no good to go on from, but as it is.
          if (!open->feed && open->settings != wanted[i]) return false;
          return (!by_name || open->settings.name == wanted[i].name) && open->can_become(wanted[i]) &&
                 std::ranges::find(formers, open.get()) == formers.end();
        });
        if (found != feeds_.end()) formers[i] = found->get();
      }
    }
    return formers;
  }

  /// What is read, and where it goes. A feed that can't be opened was told already.
  void tell_of_feeds() {
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

  /// What is committed to a file that was removed or replaced is lost, and SQLite doesn't tell. False: it isn't there; what was
  /// read waits, or is read again.
  bool look_at_database() {
    const auto followed = store_.follow_file();
    if (!followed) {
      fails(Work::file, followed.error());
      return false;
    }
    works(Work::file);
    if (*followed == schema::Store::Followed::same) return true;
    watch::log(Level::warning, "database-replaced", {{"file", config_.database}});
    // The feeds go on where this database's word is that they are.
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

  /// One chunk of one feed. False: the feed can't be read, or its chunk can't be committed.
  bool take_from(OpenedFeed& open) {
    if (!open.feed && open.leaves) return true;
    if (!open.feed && (open.open_again_at > std::chrono::steady_clock::now() || !open_feed(open))) return false;
    if (open.pending) return settle(open);
    auto chunk = open.feed->next({});
    if (!chunk) {
      trouble(open, chunk.error().text);
      return false;
    }
    if (std::exchange(open.told_trouble, false)) {
      watch::log(Level::info, "feed-back", {{"feed", open.source.feed}});
      note([&](IngestState& state) { state.feeds[open.source.feed].trouble.clear(); });
    }
    open.drained = chunk->drained;
    leave_out_listed_callers(*chunk, open);
    if (chunk->items.empty() && !chunk->position) return true;
    open.pending = judges_->take_in(*chunk, open.source, surroundings_.now());
    return settle(open);
  }

  void leave_out_listed_callers(feed::Chunk& chunk, const OpenedFeed& open) {
    const auto count = remove_listed_callers(
        chunk, [&](const IpAddress& client, UnixTime at) { return is_refused_by_users(client, at); });
    if (count == 0) return;
    note([&](IngestState& state) { state.callouts_let_go += count; });
    watch::log(Level::debug, "callouts-let-go", {{"feed", open.source.feed}, {"count", count}});
  }

  /// Whether mail servers that asked the list at `at` may have refused the client: it was listed, or had been until so lately that
  /// not all of them knew. A database that can't tell is no reason to accuse anybody.
  [[nodiscard]] bool is_refused_by_users(const IpAddress& client, UnixTime at) {
    const auto dossier = store_.dossier(client, 0);
    if (!dossier) return true;
    const auto lingers = config_.zone.ttl + kAnswersLinger;
    if (std::ranges::any_of(dossier->listings, [&](const Listing& listing) {
          return listing.listed_at <= at && (!listing.expires_at || at < *listing.expires_at + lingers);
        })) {
      return true;
    }
    return std::ranges::any_of(dossier->history, [&](const ListingChange& change) {
      using enum ListingChange::Action;
      const bool ended = change.action == delisted || change.action == expired;
      if (ended) return change.at <= at && at < change.at + lingers;
      const bool stood = change.action == listed || change.action == prolonged;
      return stood && change.at <= at && !ended_between(dossier->history, change, at) &&
             (!change.expires_at || at < *change.expires_at + lingers);
    });
  }

  /// Whether what `began` ended before `at`.
  [[nodiscard]] static bool ended_between(const std::vector<ListingChange>& history, const ListingChange& began,
                                          UnixTime at) {
    return std::ranges::any_of(history, [&](const ListingChange& change) {
      using enum ListingChange::Action;
      return (change.action == delisted || change.action == expired) && change.prefix == began.prefix &&
             change.source == began.source && change.serial > began.serial && change.at <= at;
    });
  }

  /// Commits what is pending. False: it can't be committed now.
  bool settle(OpenedFeed& open) {
    if (!commit(*open.pending)) return false;
    // Into which file? Unless it is the one that stands there, the batch is still to be recorded.
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
      fails(Work::recording, position.error());
      return false;
    }
    if (auto opened = open.open(surroundings_of(config_.traps), *position); !opened) {
      trouble(open, opened.error().text);
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
    if (is_unquoted && !std::exchange(open.told_unquoted, true)) {
      watch::log(Level::warning, "mbox-unquoted",
                 {{"feed", open.source.feed},
                  Field::sentence("detail",
                                  "anybody can write messages into it, so what it brings counts against nobody; "
                                  "set the feed's quoting to what the writer of the file does")});
    }
    return true;
  }

  void trouble(OpenedFeed& open, const std::string& detail) {
    open.feed.reset();
    open.drained = false;
    open.open_again_at = std::chrono::steady_clock::now() + kAskAgain / 2;
    note([&](IngestState& state) { state.feeds[open.source.feed].trouble = detail; });
    if (std::exchange(open.told_trouble, true)) return;
    watch::log(Level::error, "feed-unreadable", {{"feed", open.source.feed}, Field::sentence("detail", detail)});
  }

  bool commit(const schema::Batch& batch) {
    const auto began = std::chrono::steady_clock::now();
    const UnixTime now = surroundings_.now();
    const auto recorded = store_.record(batch, config_.policy, &score::assess, now);
    if (!recorded) {
      note([](IngestState& state) { ++state.failed_commits; });
      fails(Work::recording, recorded.error());
      return false;
    }
    note([&](IngestState& state) { state.add(batch, *recorded, std::chrono::steady_clock::now() - began, now); });
    works(Work::recording);
    if (batch.dated_ahead > 0) {
      watch::log(Level::warning, "dated-ahead", {{"feed", batch.feed}, {"deliveries", batch.dated_ahead}});
    }
    for (const auto& thing : batch.quarantined) {
      // Never its quote: a log goes further than the database, and a stranger who writes one token per recipient would
      // have the traps in it.
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

  /// What uses the database. Each can fail alone: of a file that is damaged in one place, or a disk that has room for little.
  enum class Work : std::uint8_t { file, recording, sweeping, upkeep };
  static constexpr std::array<std::string_view, 4> kWork{"file", "recording", "sweeping", "upkeep"};
  struct Trouble {
    std::string text;
    bool told = false;  ///< in the log; false where another's was the same
  };

  [[nodiscard]] std::optional<Trouble>& trouble_of(Work work) { return troubles_.at(static_cast<std::size_t>(work)); }
  [[nodiscard]] bool is_in_trouble() const {
    return std::ranges::any_of(troubles_, [](const auto& trouble) { return trouble.has_value(); });
  }
  /// Whether there is no use in looking what feeds have.
  [[nodiscard]] bool holds_up_mail() { return trouble_of(Work::file) || trouble_of(Work::recording); }

  /// Told once, and not where another work told the same.
  void fails(Work work, const schema::StoreError& error) {
    const bool is_told = std::ranges::any_of(
        troubles_, [&](const auto& trouble) { return trouble && trouble->told && trouble->text == error.text; });
    auto& trouble = trouble_of(work);
    const bool is_new = !trouble;
    if (is_new) trouble.emplace();
    trouble->text = error.text;
    show_trouble();
    if (!is_new || is_told) return;
    trouble->told = true;
    watch::log(Level::error, "database-trouble",
               {{"work", kWork.at(static_cast<std::size_t>(work))}, Field::sentence("detail", error.text)});
  }

  void works(Work work) {
    auto& trouble = trouble_of(work);
    if (!trouble) return;
    const Trouble over = *std::exchange(trouble, std::nullopt);
    show_trouble();
    if (!over.told) return;
    for (auto& other : troubles_) {
      if (!other || other->told || other->text != over.text) continue;
      other->told = true;  // it is theirs now
      return;
    }
    watch::log(Level::info, "database-back",
               {{"work", kWork.at(static_cast<std::size_t>(work))}, {"file", config_.database}});
  }

  void show_trouble() const {
    const auto first = std::ranges::find_if(troubles_, [](const auto& trouble) { return trouble.has_value(); });
    note([&](IngestState& state) {
      state.database_trouble = first == troubles_.end() ? std::string() : (*first)->text;
    });
  }

  /// Where nothing waits for the database any more, since its feed left, nothing else will tell that recording works.
  void forget_trouble_of_recording() {
    const auto waits = [](const auto& open) { return open->pending || (!open->feed && !open->told_trouble); };
    if (std::ranges::none_of(feeds_, waits)) works(Work::recording);
  }

  void sweep() {
    const auto steady = std::chrono::steady_clock::now();
    const auto pause = trouble_of(Work::sweeping) ? std::chrono::milliseconds(kAskAgain)
                       : more_to_sweep_           ? std::chrono::milliseconds{0}
                                                  : std::chrono::milliseconds(kSweepEvery);
    if (swept_at_ && steady < *swept_at_ + pause) return;
    more_to_sweep_ = false;
    // What ends under a clock in doubt may not have ended; servers go by the time themselves.
    const bool works_on = !surroundings_.clock_doubt();
    const bool has_failed = works_on && !sweep(surroundings_.now());
    swept_at_ = std::chrono::steady_clock::now();
    if (has_failed) return;
    if (works_on) works(Work::sweeping);
    // Operators' changes move it, too.
    const auto serial = store_.serial();
    note([&](IngestState& state) {
      if (serial) state.serial = *serial;
    });
  }

  /// A part of what there is to do, so that no feed waits for it; the next round goes on. False: the database is in trouble.
  bool sweep(UnixTime now) {
    const auto failed = [this](const schema::StoreError& error) {
      fails(Work::sweeping, error);
      return false;
    };
    const auto mended = store_.mend_times(now, config_.policy);
    if (!mended) return failed(mended.error());
    if (*mended != schema::Mended{}) {
      watch::log(
          Level::warning, "times-mended",
          {{"listings", mended->listings}, {"exemptions", mended->exemptions}, {"shortened", mended->shortened}});
    }
    // What is to come back must not be swept up before.
    const auto ended = mended->more ? schema::Result<std::uint64_t>(0) : store_.expire(now);
    if (!ended) return failed(ended.error());
    if (*ended > 0) watch::log(Level::info, "expired", {{"count", *ended}});
    const auto carried = store_.carry_on(config_.policy, &score::reckon, now);
    if (!carried) return failed(carried.error());
    if (carried->finished) watch::log(Level::info, "decision-finished", {{"id", *carried->finished}});
    note([&](IngestState& state) {
      state.expired += *ended;
      state.brought_back += mended->listings + mended->exemptions;
    });
    more_to_sweep_ = mended->more || *ended > 0 || carried->slices > 0;
    return true;
  }

  /// A slice of what keeps the database from growing; with `all`, what there is. Nothing expires under a clock in doubt.
  void keep_up(bool all) {
    if (surroundings_.clock_doubt()) return;
    const UnixTime now = surroundings_.now();
    const auto done = all ? upkeep_->finish(now, surroundings_.state) : upkeep_->turn(now, surroundings_.state);
    const auto steady = std::chrono::steady_clock::now();
    if (!done) {
      upkeep_failed_at_ = steady;
      fails(Work::upkeep, done.error());
      return;
    }
    // A slice that can be done says nothing of the one that couldn't, unless that would have come by now.
    using enum UpkeepTurns::Turn;
    if (*done == through || (*done == went_on && steady >= upkeep_failed_at_ + kLongWithoutFailure)) {
      works(Work::upkeep);
    }
  }

  void look_at_clock() {
    // Asked for the time first: that is when a step is noticed.
    static_cast<void>(surroundings_.now());
    const auto doubt = surroundings_.clock_doubt();
    note([&](IngestState& state) { state.clock_doubt = doubt; });
  }

  void turned() const {
    note([](IngestState& state) { state.turned_at = std::chrono::steady_clock::now(); });
    if (surroundings_.turned) surroundings_.turned();
  }

  template <typename Change>
  void note(Change change) const {
    if (surroundings_.state != nullptr) surroundings_.state->change(change);
  }

  /// Feeds that the config no longer has go; what was counted of the others stays. Trouble that is left is told anew.
  void note_feeds() {
    std::map<std::string, IngestState::Feed> now;
    const auto before = surroundings_.state == nullptr ? IngestState{} : surroundings_.state->copy();
    for (const auto& open : feeds_) {
      open->told_trouble = false;
      open->open_again_at.reset();
      auto& feed = now[open->source.feed];
      if (const auto known = before.feeds.find(open->source.feed); known != before.feeds.end()) feed = known->second;
      feed.trouble.clear();
      if (const auto last = store_.last_delivery(open->source.feed)) feed.last_delivery = *last;
    }
    note([&](IngestState& state) { state.feeds = std::move(now); });
  }

  /// Until a feed or a signal says that there is something, or it is time to ask those that can't say.
  void wait() {
    std::vector<pollfd> watched{{.fd = surroundings_.signal_fd, .events = POLLIN, .revents = 0}};
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
    // An interrupted or failed poll only means looking at the feeds sooner.
    static_cast<void>(poll(watched.data(), watched.size(), static_cast<int>(most.count())));
  }

  config::Config config_;
  LoopOptions options_;
  schema::Store store_;
  Surroundings surroundings_;
  std::vector<std::unique_ptr<OpenedFeed>> feeds_;
  std::optional<Judges> judges_{std::in_place, config_.ingest.judges};
  ProgressLine progress_{stderr, std::chrono::milliseconds{0}};
  std::optional<UpkeepTurns> upkeep_{std::in_place, config_, store_, options_.only_feeds,
                                     std::chrono::steady_clock::now()};
  std::optional<std::chrono::steady_clock::time_point> swept_at_;
  bool more_to_sweep_ = false;                                 ///< the last sweep ended at its slice
  std::array<std::optional<Trouble>, kWork.size()> troubles_;  ///< by Work
  std::chrono::steady_clock::time_point upkeep_failed_at_;
};

IngestLoop::IngestLoop(config::Config config, LoopOptions options, schema::Store store, Surroundings surroundings)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(options), std::move(store), std::move(surroundings))) {}
IngestLoop::~IngestLoop() = default;

Ended IngestLoop::run() { return impl_->run(); }
std::expected<void, std::string> IngestLoop::change(config::Config config) { return impl_->change(std::move(config)); }

}  // namespace blowback::record
