// The running server: its sockets and the threads that answer on them.
//
// One thread, one UDP and one TCP socket per worker and endpoint (SO_REUSEPORT): the kernel spreads clients over workers,
// and workers share nothing but what is published to them.
#pragma once

#include "answer/outcome.h"
#include "answer/served_zone.h"
#include "blowback/unix_time.h"
#include "config/config.h"
#include "zone/follower.h"
#include "zone/published.h"

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

/// What was answered, summed over workers. Safe to ask while they run.
struct Counts {
  answer::Tally udp;
  answer::Tally tcp;
  std::uint64_t tcp_connections = 0;  ///< accepted
  std::uint64_t tcp_closed_idle = 0;  ///< closed by us: idle, too old, or to make room
  std::uint64_t send_failed = 0;      ///< datagrams that the kernel wouldn't take
};

class Responders {
 public:
  /// What the workers answer from; must outlive them. `clock` is called from every worker.
  struct Sources {
    const zone::Published<answer::ServedZone>& zone;
    const zone::Published<zone::View>& view;
    std::function<UnixTime()> clock;
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
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] const std::vector<std::string>& skipped() const;

 private:
  class Impl;
  explicit Responders(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::net
