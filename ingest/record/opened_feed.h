// A feed of the config while it is read: how it is opened, and what becomes of it when the config changes.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "feed/feed.h"
#include "record/intake.h"
#include "schema/store.h"

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace blowback::record {

/// What feeds are opened with, beside their settings.
struct FeedSurroundings {
  const config::Traps& traps;
  const feed::Envelope& stdin_envelope;
  std::function<UnixTime()> now;  ///< called from listeners' threads, too
};

/// What a listener may hold open of what its config says. Beyond the limit of descriptors accept(2) fails, and files can't be opened: a
/// Maildir's mail would wait for a client to go.
[[nodiscard]] std::size_t connections_of(const config::Feed& feed);

/// One thread at a time.
struct OpenedFeed {
  OpenedFeed(config::Feed by, const config::Traps& traps);

  config::Feed settings;
  Source source;
  std::unique_ptr<feed::Feed> feed;  ///< nullptr: it isn't open
  /// Read, but not committed yet: the database was in trouble. It is tried again, since a pipe can't be read twice.
  std::optional<schema::Batch> pending;
  bool told_trouble = false;
  bool told_unquoted = false;
  bool drained = false;
  bool leaves = false;  ///< the config has it no more: it goes once what it holds is committed
  /// Not to be opened anew before: another feed that is busy keeps the loop going round.
  std::optional<std::chrono::steady_clock::time_point> open_again_at;

  [[nodiscard]] bool reads_standard_input() const;
  /// Whether what was read and isn't committed is nowhere else: a pipe's, and what a client was promised to be told.
  [[nodiscard]] bool holds_the_only_copy() const { return settings.has_listener() || reads_standard_input(); }
  /// Whether it can go on as a feed of these settings, with its sockets, sessions and what it has read. In the same database.
  [[nodiscard]] bool can_become(const config::Feed& other) const;

  /// Opens it where it left off at `position`. False: `feed` stays nullptr.
  [[nodiscard]] std::expected<void, feed::FeedError> open(const FeedSurroundings& with,
                                                          const std::optional<std::string>& position);
  /// Makes ready for other settings, which it can become; an error leaves all as it is. The result, called, has them in force. The feed
  /// must outlive it.
  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(const config::Feed& other,
                                                                              const FeedSurroundings& with);

 private:
  void go_by(const config::Feed& other, const config::Traps& traps);

  /// Of a feed that listens: the same for its sockets.
  std::function<std::expected<std::function<void()>, feed::FeedError>(const config::Feed&, const FeedSurroundings&)>
      prepare_door_;
};

}  // namespace blowback::record
