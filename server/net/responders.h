// The running server: its sockets and the threads that answer on them.
//
// One thread, one UDP and one TCP socket per worker and endpoint (SO_REUSEPORT): the kernel spreads clients over workers,
// and workers share nothing but what is published to them.
#pragma once

#include "answer/rate_limit.h"
#include "answer/served_zone.h"
#include "blowback/unix_time.h"
#include "config/config.h"
#include "net/counts.h"
#include "zone/follower.h"
#include "zone/published.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace blowback::net {

struct StartError {
  std::string text;  ///< `127.0.0.1:53: permission denied; …` with the way out
};

/// How many TCP connections each worker may hold, so that with all of them there are descriptors left for the rest. Pure.
[[nodiscard]] std::size_t tcp_connections_within(std::size_t descriptors, std::size_t workers, std::size_t endpoints);

class Responders {
 public:
  /// What the workers answer from; must outlive them. `clock` is called from every worker.
  struct Sources {
    const zone::Published<answer::ServedZone>& zone;
    const zone::Published<zone::View>& view;
    std::function<UnixTime()> clock;
    answer::RateLimiter::Key rate_limit_key;  ///< from the system's random source, once per process
  };

  /// Binds every endpoint and starts the workers, or starts nothing and says why. `held` are endpoints that this process
  /// has open already (a change of settings): all others must be free, also of another server that shares ports.
  /// An IPv6 endpoint on a host without IPv6 is left out and named in `skipped`, as long as another one is left.
  [[nodiscard]] static std::expected<Responders, StartError> start(const config::Server& settings,
                                                                   const Sources& sources,
                                                                   const std::vector<config::Endpoint>& held);
  Responders(Responders&&) noexcept;
  Responders& operator=(Responders&&) noexcept;
  ~Responders();  ///< stops

  /// Queries that were read are answered, then sockets close and threads end. Counts stay.
  void stop();
  /// Summed over workers. Safe while they run.
  [[nodiscard]] Counts counts() const;
  /// How long ago the worker that lags most came round; each does so once a second at least, as long as it lives. Safe while
  /// they run.
  [[nodiscard]] std::chrono::steady_clock::duration since_turned(std::chrono::steady_clock::time_point now) const;
  [[nodiscard]] const std::vector<std::string>& skipped() const;
  /// That a worker takes: as many as are configured, or as the limit on descriptors allows.
  [[nodiscard]] std::size_t tcp_connections() const;

 private:
  class Impl;
  explicit Responders(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::net
