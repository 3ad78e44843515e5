// Answering on TCP: one thread's listeners and all its connections. Private to this room.
#pragma once

#include "responder.h"
#include "socket.h"

#include <chrono>
#include <vector>

namespace blowback::net {

struct TcpLimits {
  std::size_t connections = 0;       ///< of this thread
  std::chrono::milliseconds idle{};  ///< between a client's queries
  /// A connection's whole life, however busy: ten times `idle`.
  [[nodiscard]] std::chrono::milliseconds life() const { return 10 * idle; }
  /// Of one client (an IPv4 address, or a /64): an eighth, so that no client keeps the others out.
  [[nodiscard]] std::size_t per_client() const { return connections < 16 ? 2 : connections / 8; }
};

struct TcpCounters {
  Counter accepted;
  Counter turned_away;
  Counter closed;
};

/// Answers until `stop` is raised; then the listeners are closed, connections get what is pending, and all is closed
/// within half a second. All must outlive the call.
void serve_tcp(std::vector<Descriptor> listeners, const TcpLimits& limits, const StopSignal& stop, Responder& responder,
               TcpCounters& counters);

}  // namespace blowback::net
