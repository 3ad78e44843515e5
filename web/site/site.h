// The running page: what a start makes, what a reload changes, and in which order it ends.
#pragma once

#include "config/config.h"
#include "http/rate_limit.h"
#include "http/server.h"
#include "system/daemon_clock.h"
#include "watch/config_in_force.h"

#include <csignal>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace blowback::watch {
class ServiceManager;
}

namespace blowback::site {

struct SiteError {
  std::string text;  ///< what is wrong, and what to do
};

/// What the operator should know: the name of a log line, and a sentence. Safe from any thread.
using Report = std::function<void(std::string_view event, const std::string& detail)>;

class Stores;
class Answers;

/// One thread at a time, except where noted. It logs what it does; see docs/log-lines.md.
class Site {
 public:
  /// `templates`: the folder that is used if the config names none.
  explicit Site(std::string templates);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site();

  /// Reads the templates, listens, and at last restricts the system calls if the config asks for that. A database that can't be read is logged and
  /// doesn't stop it. Call it once.
  [[nodiscard]] std::expected<void, SiteError> start(config::Config config);
  /// Reads the config in `file`, and templates, and adopts them. If there is a mistake, everything stays as it was, and the reason is logged.
  void reload(const std::string& file);
  void stop();

  /// Blocks SIGTERM, SIGINT and SIGHUP in this thread and in those that it starts, and ignores SIGPIPE. To be called before any thread starts.
  [[nodiscard]] static sigset_t block_signals();
  /// Runs until SIGTERM or SIGINT; SIGHUP reloads `config_file`.
  void serve(const std::string& config_file, watch::ServiceManager& manager, const sigset_t& signals);

 private:
  struct Running;
  [[nodiscard]] std::expected<void, SiteError> adopt(config::Config config);
  void report(std::string_view event, const std::string& detail);

  const std::string templates_;
  DaemonClock clock_;
  watch::ConfigInForce in_force_{.read_at = clock_.now(), .refused = {}, .refused_at = {}};
  http::RateLimit limits_;
  std::string form_key_;              ///< of this process, see RemovalForm
  std::mutex mutex_;                  ///< guards the next three between the server's threads and a reload
  std::shared_ptr<Running> running_;  ///< what requests are answered with
  std::string last_event_;            ///< the last trouble that was logged, so that each is logged once
  std::chrono::steady_clock::time_point logged_at_;
  config::Config config_;
  std::unique_ptr<http::Server> server_;  ///< last: its threads use all of the above
};

}  // namespace blowback::site
