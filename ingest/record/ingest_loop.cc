// The loop itself. What fails is told once and tried again each second; what was committed is told at once.
#include "record/ingest_loop.h"

#include "milter/milter_feed.h"
#include "record/intake.h"
#include "record/listed_callers.h"
#include "score/assess.h"
#include "smtp/smtp_feed.h"
#include "system/progress_line.h"
#include "watch/log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace blowback::record {
namespace {

using watch::Field;
using watch::Level;

/// What has ended is swept up this often; nothing depends on it, servers don't answer for expired listings anyway.
constexpr Duration kSweepEvery = std::chrono::seconds{10};
/// Feeds without a descriptor, and whatever failed, are asked again after this.
constexpr std::chrono::milliseconds kAskAgain{1'000};

struct OpenFeed {
  const config::Feed* settings = nullptr;
  Source source;
  std::unique_ptr<feed::Feed> feed;
  /// Read, but not committed yet: the database was in trouble. It is tried again, since a pipe can't be read twice.
  std::optional<schema::Batch> pending;
  bool told_trouble = false;
  bool told_unquoted = false;
  bool drained = false;
  /// Not to be opened anew before: another feed that is busy keeps the loop going round.
  std::optional<std::chrono::steady_clock::time_point> open_again_at;
};

/// Beyond the TTL of its answers: a mail server's process may keep what it was told for as long as it lives, whatever the TTL.
constexpr Duration kAnswersLinger = std::chrono::hours{1};

/// Octets of messages that all of a listener's sessions hold together.
constexpr std::size_t kDoorMemory = 256U << 20U;

[[nodiscard]] std::string system_hostname() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') return "localhost";
  return name.data();
}

[[nodiscard]] smtp::ListenerSettings door_of(const config::Feed& feed, const config::Traps& traps,
                                             std::function<UnixTime()> now) {
  const auto& door = feed.door;
  smtp::ListenerSettings settings{
      .session = {.protocol = feed.type == config::FeedType::lmtp ? smtp::Protocol::lmtp : smtp::Protocol::smtp,
                  .hostname = door.hostname.empty() ? system_hostname() : door.hostname,
                  .witness_of = [index = std::make_shared<const config::TrapIndex>(traps)](
                                    std::string_view address) { return index->witness_of(address); },
                  .hide_traps = door.hide_traps,
                  .offers_tls = true,
                  .message_octets = static_cast<std::size_t>(door.message_size)},
      .now = std::move(now),
      .listen = {},
      .trusted_relays = feed.trusted_relays,
      .proxy_protocol = door.proxy_protocol,
      .certificate = {.chain = door.certificate, .key = door.key},
      .connections = static_cast<std::size_t>(door.connections),
      .connections_per_client = static_cast<std::size_t>(door.connections_per_client),
      .command_time = door.command_time,
      .data_time = door.data_time,
      .memory = kDoorMemory};
  for (const auto& at : door.listen) {
    if (const auto* path = std::get_if<std::string>(&at)) {
      settings.listen.emplace_back(*path);
    } else {
      const auto& endpoint = std::get<config::Endpoint>(at);
      settings.listen.emplace_back(smtp::InternetEndpoint{.address = endpoint.address, .port = endpoint.port});
    }
  }
  return settings;
}

[[nodiscard]] feed::MboxQuoting quoting_of(const config::Feed& feed) {
  switch (feed.quoting) {
    case config::MboxQuoting::none:
      return feed::MboxQuoting::none;
    case config::MboxQuoting::mboxrd:
      return feed::MboxQuoting::mboxrd;
    case config::MboxQuoting::mboxo:
      return feed::MboxQuoting::mboxo;
    case config::MboxQuoting::content_length:
      break;
  }
  return feed::MboxQuoting::content_length;
}

[[nodiscard]] milter::Setup milter_of(const config::Feed& feed, const config::Traps& traps) {
  const auto& door = feed.door;
  milter::Setup setup{.listen = {},
                      .traps = traps,
                      .trusted_relays = feed.trusted_relays,
                      .callouts = door.callouts,
                      .connections = static_cast<std::size_t>(door.connections),
                      .message_octets = static_cast<std::size_t>(door.message_size),
                      .memory = kDoorMemory};
  if (const auto* path = std::get_if<std::string>(&door.listen.front())) {
    setup.listen.path = *path;
  } else {
    const auto& endpoint = std::get<config::Endpoint>(door.listen.front());
    setup.listen.address = endpoint.address.to_string();
    setup.listen.port = endpoint.port;
  }
  return setup;
}

class Loop {
 public:
  Loop(const config::Config& config, const LoopOptions& options, schema::Store& store, const Surroundings& surroundings)
      : config_(config), options_(options), store_(store), surroundings_(surroundings) {
    for (const auto& settings : config.feeds) {
      const auto& only = options.only_feeds;
      if (!only.empty() && std::ranges::find(only, settings.name) == only.end()) continue;
      OpenFeed open;
      open.settings = &settings;
      open.source = {
          .feed = settings.name, .trusted_relays = settings.trusted_relays, .traps = config.traps, .limits = {}};
      feeds_.push_back(std::move(open));
    }
    note_feeds();
  }

  Ended run() {
    for (bool first = true;; first = false) {
      if (const Ended asked = surroundings_.asked(); asked != Ended::drained) {
        if (asked != Ended::reload) return asked;
        reload_waits_ = true;
      }
      // What came by a pipe and isn't in the database yet can't be read again: the new config waits for it.
      if (reload_waits_ && std::ranges::none_of(feeds_, holds_the_only_copy)) return Ended::reload;
      bool all_drained = true;
      bool any_trouble = false;
      for (auto& open : feeds_) {
        turned();
        if (!take_from(open)) any_trouble = true;
        all_drained &= open.drained || open.told_trouble;
      }
      look_at_clock();
      // The last look before `--once` ends sweeps always, so that the list is left as it is now.
      if (options_.once && all_drained) swept_at_.reset();
      sweep();
      turned();
      if (first && surroundings_.looked_once) surroundings_.looked_once();
      if (options_.once && store_trouble_) return Ended::store_failed;
      if (options_.once && all_drained) return any_trouble ? Ended::feed_failed : Ended::drained;
      if (all_drained || any_trouble || store_trouble_) wait();
    }
  }

 private:
  [[nodiscard]] static bool holds_the_only_copy(const OpenFeed& open) {
    return open.pending && (open.settings->type == config::FeedType::standard_input || open.settings->path == "-");
  }

  /// One chunk of one feed. False: the feed can't be read, or its chunk can't be committed.
  bool take_from(OpenFeed& open) {
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
    open.pending = take_in(*chunk, open.source, surroundings_.now());
    return settle(open);
  }

  void leave_out_listed_callers(feed::Chunk& chunk, const OpenFeed& open) {
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
  bool settle(OpenFeed& open) {
    if (!commit(*open.pending)) return false;
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

  bool open_feed(OpenFeed& open) {
    const auto position = store_.feed_position(open.source.feed);
    if (!position) {
      store_trouble(position.error());
      return false;
    }
    const auto& settings = *open.settings;
    auto opened = [&] {
      switch (settings.type) {
        case config::FeedType::maildir:
          return feed::open_maildir(
              settings.path, settings.remove ? feed::AfterCommit::remove : feed::AfterCommit::move_to_cur, *position);
        case config::FeedType::mbox:
          return feed::open_mbox(settings.path, quoting_of(settings), *position);
        case config::FeedType::jsonl:
          return feed::open_jsonl(settings.path, *position);
        case config::FeedType::smtp:
        case config::FeedType::lmtp:
          return smtp::open_smtp(door_of(settings, config_.traps, surroundings_.now));
        case config::FeedType::milter:
          return milter::open_milter(milter_of(settings, config_.traps));
        case config::FeedType::standard_input:
          break;
      }
      return feed::open_stdin(0, options_.stdin_envelope, surroundings_.now());
    }();
    if (!opened) {
      trouble(open, opened.error().text);
      return false;
    }
    open.feed = std::move(*opened);
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

  void trouble(OpenFeed& open, const std::string& detail) {
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
      store_trouble(recorded.error());
      return false;
    }
    note([&](IngestState& state) { state.add(batch, *recorded, std::chrono::steady_clock::now() - began, now); });
    store_works();
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

  void store_trouble(const schema::StoreError& error) {
    note([&](IngestState& state) { state.database_trouble = error.text; });
    if (std::exchange(store_trouble_, true)) return;
    watch::log(Level::error, "database-trouble", {Field::sentence("detail", error.text)});
  }

  void store_works() {
    if (!std::exchange(store_trouble_, false)) return;
    note([](IngestState& state) { state.database_trouble.clear(); });
    watch::log(Level::info, "database-back", {{"file", config_.database}});
  }

  void sweep() {
    const auto steady = std::chrono::steady_clock::now();
    if (store_trouble_ || (swept_at_ && steady < *swept_at_ + kSweepEvery)) return;
    swept_at_ = steady;
    // What ends under a clock in doubt may not have ended; servers go by the time themselves.
    if (!surroundings_.clock_doubt() && !sweep(surroundings_.now())) return;
    // Operators' changes move it, too.
    const auto serial = store_.serial();
    note([&](IngestState& state) {
      if (serial) state.serial = *serial;
    });
  }

  /// False: the database is in trouble.
  bool sweep(UnixTime now) {
    schema::Mended mended{.more = true};
    while (mended.more) {
      const auto part = store_.mend_times(now, config_.policy);
      if (!part) {
        store_trouble(part.error());
        return false;
      }
      mended.exemptions += part->exemptions;
      mended.listings += part->listings;
      mended.shortened += part->shortened;
      mended.more = part->more;
      turned();
    }
    if (mended != schema::Mended{}) {
      watch::log(Level::warning, "times-mended",
                 {{"listings", mended.listings}, {"exemptions", mended.exemptions}, {"shortened", mended.shortened}});
    }
    const auto ended = store_.expire(now);
    if (!ended) {
      store_trouble(ended.error());
      return false;
    }
    if (*ended > 0) watch::log(Level::info, "expired", {{"count", *ended}});
    note([&](IngestState& state) {
      state.expired += *ended;
      state.brought_back += mended.listings + mended.exemptions;
    });
    return true;
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

  /// Feeds that the config no longer has go; what was counted of the others stays.
  void note_feeds() const {
    if (surroundings_.state == nullptr) return;
    std::map<std::string, IngestState::Feed> now;
    const auto before = surroundings_.state->copy().feeds;
    for (const auto& open : feeds_) {
      auto& feed = now[open.source.feed];
      if (const auto known = before.find(open.source.feed); known != before.end()) feed = known->second;
      feed.trouble.clear();
      if (const auto last = store_.last_delivery(open.source.feed)) feed.last_delivery = *last;
    }
    note([&](IngestState& state) {
      state.feeds = std::move(now);
      state.database_trouble.clear();
    });
  }

  /// Until a feed or a signal says that there is something, or it is time to ask those that can't say.
  void wait() {
    std::vector<pollfd> watched{{.fd = surroundings_.signal_fd, .events = POLLIN, .revents = 0}};
    if (!store_trouble_) {
      for (const auto& open : feeds_) {
        const int descriptor = open.feed ? open.feed->wake_fd() : -1;
        if (descriptor >= 0) watched.push_back({.fd = descriptor, .events = POLLIN, .revents = 0});
      }
    }
    // An interrupted or failed poll only means looking at the feeds sooner.
    static_cast<void>(poll(watched.data(), watched.size(), static_cast<int>(kAskAgain.count())));
  }

  const config::Config& config_;
  const LoopOptions& options_;
  schema::Store& store_;
  const Surroundings& surroundings_;
  std::vector<OpenFeed> feeds_;
  ProgressLine progress_{stderr, std::chrono::milliseconds{0}};
  std::optional<std::chrono::steady_clock::time_point> swept_at_;
  bool store_trouble_ = false;
  bool reload_waits_ = false;
};

}  // namespace

Ended run(const config::Config& config, const LoopOptions& options, schema::Store& store,
          const Surroundings& surroundings) {
  return Loop(config, options, store, surroundings).run();
}

}  // namespace blowback::record
