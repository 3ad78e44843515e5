// The daemon's work: waits for feeds, reads what is there, commits it, and logs what happened. One thread, one store.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "detect/signature_set.h"
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

/// Why a run ended.
enum class Ended : std::uint8_t {
  drained,  ///< everything that was there is in the database: with `once`, or if it was one message on standard input
  feed_failed,   ///< with `once`: likewise, but a feed as a whole couldn't be read (the log says why)
  store_failed,  ///< with `once`: the database couldn't be written (the log says why); feeds keep what wasn't recorded
  stop,          ///< a stop was requested
  reload,        ///< a reload of the config was requested
};

struct LoopOptions {
  bool once = false;
  std::vector<std::string> only_feeds;  ///< names; empty: all feeds
  feed::Envelope stdin_envelope;        ///< for feeds of type stdin
  bool show_progress = false;           ///< a progress line on standard error
};

enum class Request : std::uint8_t { none, stop, reload };

/// What the operator requests, in the program by signals.
struct Requests {
  int fd = -1;  ///< readable while a request is pending
  std::function<Request()> next;
};

struct Surroundings {
  std::function<UnixTime()> now;                   ///< called from listeners' threads, too
  std::function<watch::ClockDoubt()> clock_doubt;  ///< called in the loop's thread only
  Requests requests;
  SharedIngestState* state = nullptr;  ///< if given, kept up to date; must outlive the loop
  std::function<void()> on_turn;       ///< if given, called several times per round, as a sign of life
  std::function<void()>
      on_first_round;  ///< if given, called after a run's first round: each feed was opened, or the log says why not
};

/// One thread at a time.
class IngestLoop {
 public:
  /// `store`: the database of `config`, open for writing.
  IngestLoop(config::Config config, LoopOptions options, schema::Store store, Surroundings surroundings);
  IngestLoop(const IngestLoop&) = delete;
  IngestLoop& operator=(const IngestLoop&) = delete;
  ~IngestLoop();

  /// By which signatures messages are judged from the next chunk on; before the first call the built-in ones. Not during `run`.
  void judge_by(std::shared_ptr<const detect::SignatureSet> signatures);

  /// Runs until a stop or reload is requested, or with `once` until all feeds are drained. May be called again.
  [[nodiscard]] Ended run();

  /// Applies another config from the next `run` on. A feed that the config still has keeps its sockets, its sessions and what it has read
  /// (opened_feed.h); one that it no longer has is read until what it holds is recorded. The error is a sentence for a person, and leaves
  /// everything as it is: another database or a new feed's port can't be opened, or a certificate can't be read. A missing file is no error:
  /// it may still appear, and is logged as at the start.
  [[nodiscard]] std::expected<void, std::string> change(config::Config config);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::record
