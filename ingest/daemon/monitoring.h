// How ingest is watched from outside: log settings, metrics and health over HTTP, notifications to the service manager.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "record/ingest_state.h"
#include "watch/http_listener.h"
#include "watch/notify.h"

#include <chrono>
#include <optional>
#include <string>

namespace blowback::daemon {

struct MonitoringOptions {
  std::string version;        ///< of the program
  bool verbose = false;       ///< log at level debug, in spite of the config
  bool without_http = false;  ///< for a run that ends by itself: the daemon beside it has the port
};

/// One thread at a time, except for `state`.
class Monitoring {
 public:
  Monitoring(MonitoringOptions options, const watch::ServiceManager::Environment& environment, UnixTime started_at);

  [[nodiscard]] record::SharedIngestState& state() { return state_; }

  /// Logs and listens as the config says. If it can't listen, it logs `metrics-skipped`, and ingest runs without.
  void configure(const config::Config& config);

  /// To be called each time that the loop starts a new turn. Reports to the service manager, at most as often as that asks for.
  void on_turn();
  void ready() { manager_.ready(); }
  void reloading() { manager_.reloading(); }
  /// The reload of `file` was refused for that reason, or succeeded.
  void reloaded(const std::string& file, const std::optional<std::string>& refused, UnixTime now);
  void stopping() { manager_.stopping(); }

 private:
  MonitoringOptions options_;
  record::SharedIngestState state_;
  watch::ServiceManager manager_;
  std::optional<std::chrono::steady_clock::time_point> reported_at_;
  std::optional<config::MetricsEndpoint> endpoint_;  ///< of listener_
  std::optional<watch::HttpListener> listener_;      ///< last: it reads the state
};

}  // namespace blowback::daemon
