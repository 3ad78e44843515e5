// The loop itself. What fails is told once and tried again each second; what was committed is told at once.
#include "record/ingest_loop.h"

#include "progress_line.h"
#include "record/intake.h"
#include "score/assess.h"
#include "smtp/smtp_feed.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace blowback::record {
namespace {

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
  bool drained = false;
};

/// Octets of messages that all of a listener's sessions hold together.
constexpr std::size_t kDoorMemory = 256U << 20U;

[[nodiscard]] std::string system_hostname() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') return "localhost";
  return name.data();
}

[[nodiscard]] smtp::ListenerSettings door_of(const config::Feed& feed, const config::Traps& traps) {
  const auto& door = feed.door;
  smtp::ListenerSettings settings{
      .session = {.protocol = feed.type == config::FeedType::lmtp ? smtp::Protocol::lmtp : smtp::Protocol::smtp,
                  .hostname = door.hostname.empty() ? system_hostname() : door.hostname,
                  .is_trap = [&traps](std::string_view address) { return traps.is_trap(address); },
                  .hide_traps = door.hide_traps,
                  .offers_tls = true,
                  .message_octets = static_cast<std::size_t>(door.message_size)},
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
  }

  Ended run() {
    while (true) {
      if (const Ended asked = surroundings_.asked(); asked != Ended::drained) return asked;
      bool all_drained = true;
      bool any_trouble = false;
      for (auto& open : feeds_) {
        if (!take_from(open)) any_trouble = true;
        all_drained &= open.drained || open.told_trouble;
      }
      // The last look before `--once` ends sweeps always, so that the list is left as it is now.
      if (options_.once && all_drained) swept_at_.reset();
      sweep();
      if (options_.once && store_trouble_) return Ended::store_failed;
      if (options_.once && all_drained) return any_trouble ? Ended::feed_failed : Ended::drained;
      if (all_drained || any_trouble || store_trouble_) wait();
    }
  }

 private:
  /// One chunk of one feed. False: the feed can't be read, or its chunk can't be committed.
  bool take_from(OpenFeed& open) {
    if (!open.feed && !open_feed(open)) return false;
    if (open.pending) return settle(open);
    auto chunk = open.feed->next({});
    if (!chunk) {
      trouble(open, chunk.error().text);
      return false;
    }
    if (std::exchange(open.told_trouble, false)) spdlog::info("feed-back feed={}", open.source.feed);
    open.drained = chunk->drained;
    if (chunk->items.empty() && !chunk->position) return true;
    open.pending = take_in(*chunk, open.source, surroundings_.now());
    return settle(open);
  }

  /// Commits what is pending. False: it can't be committed now.
  bool settle(OpenFeed& open) {
    if (!commit(*open.pending)) return false;
    const std::uint64_t deliveries = open.pending->counts.deliveries;
    open.pending.reset();
    if (auto moved = open.feed->committed(); !moved) {
      spdlog::warn("feed-not-cleared feed={} detail=\"{}\"", open.source.feed, moved.error().text);
    }
    if (options_.show_progress) progress_.show(open.source.feed, open.feed->progress(), deliveries);
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
          return feed::open_mbox(settings.path, *position);
        case config::FeedType::jsonl:
          return feed::open_jsonl(settings.path, *position);
        case config::FeedType::smtp:
        case config::FeedType::lmtp:
          return smtp::open_smtp(door_of(settings, config_.traps));
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
    return true;
  }

  static void trouble(OpenFeed& open, const std::string& detail) {
    open.feed.reset();
    open.drained = false;
    if (std::exchange(open.told_trouble, true)) return;
    spdlog::error("feed-unreadable feed={} detail=\"{}\"", open.source.feed, detail);
  }

  bool commit(const schema::Batch& batch) {
    const auto recorded = store_.record(batch, config_.policy, &score::assess, surroundings_.now());
    if (!recorded) {
      store_trouble(recorded.error());
      return false;
    }
    if (std::exchange(store_trouble_, false)) spdlog::info("database-back file={}", config_.database);
    for (const auto& thing : batch.quarantined) {
      spdlog::warn("quarantined feed={} where=\"{}\" reason={} detail=\"{}\"", thing.feed, thing.where, thing.reason,
                   thing.detail);
    }
    for (const auto& prefix : recorded->newly_listed) spdlog::info("listed sender={}", prefix.to_string());
    if (batch.counts.deliveries > 0) {
      spdlog::debug("batch feed={} deliveries={} incidents={} duplicates={} serial={}", batch.feed,
                    batch.counts.deliveries, recorded->incidents, recorded->duplicates, recorded->serial);
    }
    return true;
  }

  void store_trouble(const schema::StoreError& error) {
    if (std::exchange(store_trouble_, true)) return;
    spdlog::error("database-trouble detail=\"{}\"", error.text);
  }

  void sweep() {
    const UnixTime now = surroundings_.now();
    if (store_trouble_ || (swept_at_ && now < *swept_at_ + kSweepEvery)) return;
    swept_at_ = now;
    const auto ended = store_.expire(now);
    if (!ended) {
      store_trouble(ended.error());
    } else if (*ended > 0) {
      spdlog::info("expired count={}", *ended);
    }
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
  ProgressLine progress_;
  std::optional<UnixTime> swept_at_;
  bool store_trouble_ = false;
};

}  // namespace

Ended run(const config::Config& config, const LoopOptions& options, schema::Store& store,
          const Surroundings& surroundings) {
  return Loop(config, options, store, surroundings).run();
}

}  // namespace blowback::record
