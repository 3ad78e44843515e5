// The open connections: how long each has been without a complete answer, and how many a client has.
#pragma once

#include "blowback/ip_address.h"
#include "http/server.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace blowback::http {

/// Safe from any thread. A connection's socket is only touched while it is known here, so that its number isn't another's yet.
class Connections {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Connections(const Limits& limits) : limits_(limits) {}

  /// Whether a client may open another one. If there is no room, makes some.
  [[nodiscard]] bool admits(const std::optional<IpAddress>& peer);
  /// `key`: any address that identifies it until `ended`.
  void began(const void* key, int socket, const std::optional<IpAddress>& peer, Clock::time_point now);
  /// Its request is complete, and being answered; it isn't closed to make room.
  void asked(const void* key);
  /// Its answer was sent.
  void answered(const void* key, Clock::time_point now);
  void ended(const void* key);
  /// Shuts those down that are over their time. The library notices, and ends them.
  void end_slow_ones(Clock::time_point now);
  [[nodiscard]] Counts counts() const;

 private:
  struct One {
    int socket = -1;
    std::optional<IpAddress> peer;
    Clock::time_point since;  ///< the beginning, or the last answer
    bool asked = false;
    bool shut = false;
  };

  [[nodiscard]] bool is_limited(const std::optional<IpAddress>& peer) const;
  void make_room();

  const Limits limits_;
  mutable std::mutex mutex_;  ///< guards what follows
  std::map<const void*, One> all_;
  std::map<IpAddress, std::size_t> by_client_;
  Counts counts_;
};

}  // namespace blowback::http
