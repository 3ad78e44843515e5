// The sockets of the server, and the threads that answer on them.
//
// Each worker has one thread, and one UDP and one TCP socket per endpoint (SO_REUSEPORT): the kernel distributes clients over workers,
// and workers share only the values that are published to them. A change of the settings replaces the workers and keeps the sockets.
#pragma once

#include "answer/rate_limit.h"
#include "answer/served_zone.h"
#include "blowback/unix_time.h"
#include "config/config.h"
#include "net/counts.h"
#include "transfer/transfers.h"
#include "zone/published.h"
#include "zone/view.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace blowback::net {

struct StartError {
  std::string text;  ///< `127.0.0.1:53: permission denied; …`, with what to do
};

/// How many TCP connections each worker may hold so that enough descriptors are left for everything else. `sockets`: of all workers. Pure.
[[nodiscard]] std::size_t tcp_connections_within(std::size_t descriptors, std::size_t workers, std::size_t sockets);

class Responders {
 public:
  /// What the workers read; must outlive them. `clock` is called from every worker.
  struct Sources {
    const zone::Published<answer::ServedZones>& zones;
    const zone::Published<zone::View>& view;
    std::function<UnixTime()> clock;
    std::function<void(transfer::Handover)> transfer;  ///< called from every worker
    answer::RateLimiter::Key rate_limit_key;           ///< from the system's random source, once per process
  };

  /// Binds every endpoint and starts the workers; if it fails, nothing is started. All endpoints must be free, even of another server that
  /// shares ports. An IPv6 endpoint on a host without IPv6 is skipped, unless no other is left. With port 0 the kernel chooses one, the same
  /// for UDP, TCP and all workers.
  [[nodiscard]] static std::expected<Responders, StartError> start(const config::Server& settings,
                                                                   const Sources& sources);
  Responders(Responders&&) noexcept;
  Responders& operator=(Responders&&) noexcept;
  ~Responders();  ///< stops

  /// Changes to other settings, as `start` does; if it fails, everything stays as it was. Endpoints that are bound already stay so: every
  /// datagram and connection that reaches them is served, before, during and after the change. Open TCP connections continue, with the new
  /// limits, even those of an endpoint that is closed. The counts go on. Requires that it wasn't stopped. One thread at a time; likewise
  /// `stop`, `skipped`, `endpoints` and `tcp_connections`.
  [[nodiscard]] std::expected<void, StartError> change(const config::Server& settings);
  /// Answers the queries that were received by UDP, closes the sockets and ends the threads. The counts stay.
  void stop();
  /// Sums over all workers since the start. Safe from any thread.
  [[nodiscard]] Counts counts() const;
  /// The longest time since a worker completed a turn of its loop; each does so at least once a second unless it is stuck. Safe from any
  /// thread.
  [[nodiscard]] std::chrono::steady_clock::duration since_turned(std::chrono::steady_clock::time_point now) const;
  /// Why an endpoint was skipped, one text for each.
  [[nodiscard]] const std::vector<std::string>& skipped() const;
  /// The endpoints that are bound, with the port that the kernel chose where it was 0.
  [[nodiscard]] const std::vector<config::Endpoint>& endpoints() const;
  /// The limit per worker: as configured, or less if the limit on descriptors requires that.
  [[nodiscard]] std::size_t tcp_connections() const;

 private:
  class Impl;
  explicit Responders(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::net
