// blowback-ingest from its start to its exit status.
#pragma once

#include "config/config.h"
#include "daemon/monitoring.h"
#include "record/ingest_loop.h"
#include "system/daemon_clock.h"
#include "watch/clock_doubt.h"
#include "watch/notify.h"

#include <functional>
#include <optional>
#include <string>

namespace blowback::daemon {

/// Another status than those of system/exit_status.h. EX_TEMPFAIL of sysexits.h: a mail server that pipes a message to us keeps it and tries again.
inline constexpr int kExitTryAgain = 75;

struct Options {
  std::string config_file;
  record::LoopOptions loop;
  bool verbose = false;  ///< log every batch
  std::string version;   ///< of the program
};

/// How the process ends.
struct Exit {
  int status = 0;
  std::string error;  ///< for standard error; "": there is none, or it is in the log
};

/// One thread at a time.
class Daemon {
 public:
  /// `requests` is asked between two chunks. `environment`: the service manager's variables.
  Daemon(Options options, record::Requests requests, const watch::ServiceManager::Environment& environment);

  /// Runs until a stop is requested, or with `loop.once` until all feeds are drained. Reloads the config when requested; one that can't be
  /// used is refused, and everything stays as it was.
  [[nodiscard]] Exit run();

 private:
  [[nodiscard]] record::Surroundings surroundings();
  [[nodiscard]] std::optional<std::string> reload(record::IngestLoop& loop);

  Options options_;
  record::Requests requests_;
  DaemonClock clock_;
  watch::ClockLog clock_log_;
  Monitoring monitoring_;
};

}  // namespace blowback::daemon
