// The daemon's work: wait for feeds, take what is there, commit it, tell what happened. One thread, one store.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "feed/feed.h"
#include "record/ingest_state.h"
#include "schema/store.h"
#include "watch/clock_doubt.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace blowback::record {

/// How a run ended.
enum class Ended : std::uint8_t {
  drained,       ///< `once`: everything that was there is in the database
  feed_failed,   ///< `once`: the rest is, but a feed as a whole couldn't be read (told in the log)
  store_failed,  ///< `once`: the database couldn't be written (told in the log); nothing taken is lost
  stop,          ///< asked to stop
  reload,        ///< asked to read the config again
};

struct LoopOptions {
  bool once = false;
  std::vector<std::string> only_feeds;  ///< names; empty: all
  feed::Envelope stdin_envelope;        ///< for feeds of type stdin
  bool show_progress = false;           ///< a progress line on standard error
};

/// What the loop needs from outside: the clock, and a descriptor that becomes readable when a signal came, with a way to
/// ask which.
struct Surroundings {
  std::function<UnixTime()> now;                   ///< called from listeners' threads, too
  std::function<watch::ClockDoubt()> clock_doubt;  ///< asked by the loop alone, each time that it comes round
  int signal_fd = -1;
  /// `stop` or `reload`, or `drained` if no signal waits.
  std::function<Ended()> asked;
  SharedIngestState* state = nullptr;  ///< kept up to date, if given; must outlive the loop
  std::function<void()> turned;        ///< if given, called whenever the loop comes round: it lives
  std::function<void()>
      looked_once;  ///< if given, called after the first round of a run: each feed was opened, or told why not
};

/// One thread at a time.
class IngestLoop {
 public:
  /// `store` is the config's, opened for writing.
  IngestLoop(config::Config config, LoopOptions options, schema::Store store, Surroundings surroundings);
  IngestLoop(const IngestLoop&) = delete;
  IngestLoop& operator=(const IngestLoop&) = delete;
  ~IngestLoop();

  /// Runs until told to stop or to reload, or with `once` until all feeds are drained. May be called again.
  [[nodiscard]] Ended run();

  /// Goes by another config from the next `run` on. A feed keeps its sockets, its sessions and what it has read, where the config still has
  /// it (opened_feed.h); one that the config has no more is read until what it holds is recorded. An error, a sentence for a person, leaves
  /// all as it is: another database or a new feed's port can't be opened, or a certificate can't be read. A file that isn't there is none:
  /// it may come, and is told as at the start.
  [[nodiscard]] std::expected<void, std::string> change(config::Config config);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::record
