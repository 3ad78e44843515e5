// The daemon's work: wait for feeds, take what is there, commit it, tell what happened. One thread, one store.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "feed/feed.h"
#include "record/ingest_state.h"
#include "schema/store.h"
#include "watch/clock_doubt.h"

#include <cstdint>
#include <functional>
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
  SharedIngestState* state = nullptr;  ///< kept up to date, if given; must outlive the run
  std::function<void()> turned;        ///< if given, called whenever the loop comes round: it lives
  std::function<void()> looked_once;  ///< if given, called after the first round: each feed was opened, or told why not
};

/// Runs until told to stop, or with `once` until all feeds are drained. `store` was opened for writing.
[[nodiscard]] Ended run(const config::Config& config, const LoopOptions& options, schema::Store& store,
                        const Surroundings& surroundings);

}  // namespace blowback::record
