// TCP connections of one worker (RFC 7766): many queries each, pipelined, answered as they come, and bounded in everything
// a slow or hostile client could stretch: idle time, lifetime, buffers, connections in all and per client address.
#pragma once

#include "answerer.h"
#include "blowback/ip_address.h"
#include "counters.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace blowback::net {

class TcpConnections {
 public:
  using Steady = std::chrono::steady_clock;

  struct Limits {
    std::size_t connections = 512;
    std::chrono::seconds idle{10};
    /// One client address may hold this share of the connections, and at least eight.
    [[nodiscard]] std::size_t per_address() const { return std::max<std::size_t>(8, connections / 4); }
    [[nodiscard]] std::chrono::seconds lifetime() const { return 10 * idle; }
  };

  /// `epoll` watches the connections' descriptors with their number as data; it and `counters` must outlive this.
  TcpConnections(int epoll, Limits limits, WorkerCounters& counters);
  ~TcpConnections();
  TcpConnections(const TcpConnections&) = delete;
  TcpConnections& operator=(const TcpConnections&) = delete;

  /// Takes what waits on the listener, at most a few. Where a limit is reached, the connection that was idle longest makes
  /// room: new clients are never locked out by old ones. False: the process is out of descriptors, listen again later.
  [[nodiscard]] bool accept_from(int listener, Steady::time_point now);
  /// `events` of epoll for the connection with descriptor `fd`.
  void serve(int fd, std::uint32_t events, Answerer& answerer, Steady::time_point now);
  /// Closes what has been idle, or open, for too long. Ask about once a second.
  void close_idle(Steady::time_point now);

 private:
  struct Connection;

  void answer_what_is_read(Connection& connection, Answerer& answerer, Steady::time_point now);
  /// False: the connection is broken. Likewise `write_out`.
  [[nodiscard]] static bool read_more(Connection& connection);
  [[nodiscard]] static bool write_out(Connection& connection, Steady::time_point now);
  void watch(Connection& connection) const;
  void make_room(const IpAddress& address);
  /// The connection that was idle longest, of a client or of all. False: there is none.
  bool close_idlest(const std::optional<IpAddress>& of);
  void close(int fd);

  int epoll_;
  Limits limits_;
  WorkerCounters& counters_;
  std::unordered_map<int, std::unique_ptr<Connection>> open_;
  std::unordered_map<IpAddress, std::size_t> per_address_;
  std::vector<std::uint8_t> reply_;  ///< room for the longest, used for one after another
};

}  // namespace blowback::net
