// A feed of the config while it is read: how it is opened, and what a change of the config does to it.
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

/// What feeds need to be opened, besides their settings.
struct FeedSurroundings {
  const config::Traps& traps;
  const feed::Envelope& stdin_envelope;
  std::function<UnixTime()> now;    ///< called from listeners' threads, too
  const std::string& removal_mail;  ///< config::Removal::mail
};

/// The connections that the feed's config allows, bounded by the limit of descriptors: beyond it accept(2) and open(2) fail, and a Maildir
/// couldn't be read until a client leaves.
[[nodiscard]] std::size_t connections_of(const config::Feed& feed);

/// One thread at a time.
struct OpenedFeed {
  OpenedFeed(config::Feed by, const config::Traps& traps);

  config::Feed settings;
  Source source;
  std::unique_ptr<feed::Feed> feed;  ///< nullptr: it isn't open
  /// Read, but not committed because the database failed. It is kept and tried again: a pipe can't be read twice.
  std::optional<schema::Batch> pending;
  bool trouble_logged = false;
  bool unquoted_logged = false;
  bool drained = false;
  bool leaves = false;  ///< no longer in the config: it is closed once what it holds is committed
  /// Not to be opened again before this time, however often the loop comes round because of other feeds.
  std::optional<std::chrono::steady_clock::time_point> open_again_at;

  [[nodiscard]] bool reads_standard_input() const;
  /// Whether what was read and isn't committed exists nowhere else: input of a pipe, and messages whose clients wait for a reply.
  [[nodiscard]] bool holds_the_only_copy() const { return settings.has_listener() || reads_standard_input(); }
  /// Whether it can continue with these settings, in the same database, and keep its sockets, its sessions and what it has read.
  [[nodiscard]] bool can_become(const config::Feed& other) const;

  /// Opens it at `position`. On an error `feed` stays nullptr.
  [[nodiscard]] std::expected<void, feed::FeedError> open(const FeedSurroundings& with,
                                                          const std::optional<std::string>& position);
  /// Prepares other settings, with which it can continue; an error leaves everything as it is. The result, when called, applies them. The
  /// feed must outlive it.
  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(const config::Feed& other,
                                                                              const FeedSurroundings& with);

 private:
  void set(const config::Feed& other, const config::Traps& traps);

  /// `prepare` of the listener's settings, if the feed has one.
  std::function<std::expected<std::function<void()>, feed::FeedError>(const config::Feed&, const FeedSurroundings&)>
      prepare_listener_;
};

}  // namespace blowback::record
