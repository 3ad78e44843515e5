// The running server: it follows the database, answers queries, and reports its status; a reload changes it in place.
//
// The parts are made by zone, answer, net and watch; this class owns them, and knows which part a change of the config concerns.
#pragma once

#include "answer/cookie.h"
#include "answer/rate_limit.h"
#include "answer/served_zone.h"
#include "blowback/unix_time.h"
#include "config/config.h"
#include "net/responders.h"
#include "net/status.h"
#include "net/status_socket.h"
#include "system/daemon_clock.h"
#include "transfer/notifier.h"
#include "transfer/secondary_serials.h"
#include "transfer/transfers.h"
#include "watch/clock_doubt.h"
#include "watch/config_in_force.h"
#include "watch/http_listener.h"
#include "zone/follower.h"
#include "zone/history.h"
#include "zone/published.h"
#include "zone/version_log.h"

#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace blowback::service {

struct ServiceError {
  std::string text;  ///< what is wrong, and what to do
};

/// Keys from the system's random source. Drawn once per process: with new ones the server would reject all cookies that clients hold.
struct Secrets {
  /// Fails if the system has no random numbers.
  [[nodiscard]] static std::expected<Secrets, ServiceError> random();

  answer::CookieSecret cookie{};
  answer::RateLimiter::Key rate_limit{};
};

/// One thread at a time, except where noted. It logs what it does; see docs/log-lines.md.
class Server {
 public:
  /// `version`: of the program, for the status.
  Server(std::string version, const Secrets& secrets);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Reads the list, binds the endpoints, starts the workers, and at last restricts the system calls if the config asks for that. Fails, with
  /// nothing running, if the zone can't be served or an endpoint can't be bound. A database that can't be read, and a status or metrics
  /// socket that can't be opened, are logged and don't stop it. Call it once.
  [[nodiscard]] std::expected<void, ServiceError> start(config::Config config);

  /// Reads the config in `file` and adopts it. If it has an error or can't be served, everything stays as it was, and the reason is logged
  /// and reported in the status. Requires that `start` succeeded; likewise all that follows.
  void reload(const std::string& file);

  /// Answers the queries that were received, closes all sockets, and logs the counts.
  void stop();

  /// Safe from any thread.
  [[nodiscard]] net::Status status();

  /// The endpoints that are bound; a port that the config gave as 0 is the one that the kernel chose.
  [[nodiscard]] const std::vector<config::Endpoint>& endpoints() const { return responders_->endpoints(); }

 private:
  [[nodiscard]] std::expected<void, ServiceError> adopt(config::Config config);
  void follow(const config::Config& config);
  void open_versions(const config::Config& config);
  void open_transfers(const config::Server& settings);
  void open_notifier(const config::Server& settings);
  [[nodiscard]] UnixTime checked_now();
  void log_responders(const config::Server& settings) const;
  void open_status_socket(const std::string& path);
  void open_metrics(const std::optional<config::MetricsEndpoint>& endpoint);
  [[nodiscard]] net::Responders::Sources sources() const;
  [[nodiscard]] bool sockets_differ(const config::Server& settings) const;

  const std::string version_;
  const Secrets secrets_;
  // Ordered by dependence: what is published outlives its readers and writers.
  DaemonClock clock_;
  watch::ClockLog clock_log_;  ///< of the follower's thread
  zone::Published<answer::ServedZones> zones_;
  zone::Published<zone::View> view_;
  zone::Freshness freshness_;
  zone::History history_{0};
  zone::VersionLog versions_;
  std::unique_ptr<zone::Follower> follower_;
  transfer::TlsService tls_;  ///< what transfers_ accepts from
  std::unique_ptr<transfer::Transfers> transfers_;
  std::unique_ptr<transfer::Notifier> notifier_;                   ///< nullptr: there is nobody to notify
  std::unique_ptr<transfer::SecondarySerials> secondary_serials_;  ///< likewise
  std::optional<net::Responders> responders_;                      ///< from `start` on
  /// Guards the next two, transfers_, notifier_ and secondary_serials_ between `reload`, `stop` and `status`. Workers don't take it.
  mutable std::mutex mutex_;
  config::Config config_;
  watch::ConfigInForce in_force_{.read_at = clock_.now(), .refused = {}, .refused_at = {}};
  UnixTime started_at_ = clock_.now();
  // Last: their threads read all of the above.
  std::optional<net::StatusSocket> status_socket_;
  std::optional<watch::HttpListener> metrics_;
};

}  // namespace blowback::service
