// TCP connections of one worker (RFC 7766): each carries many queries, pipelined and answered in order. Everything that a slow or hostile
// client could exhaust is limited: idle time, lifetime, buffers, the number of connections in all and per client address.
#pragma once

#include "answerer.h"
#include "blowback/ip_address.h"
#include "counters.h"
#include "system/descriptor.h"
#include "transfer/transfers.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
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
    /// The limit per client address: a quarter of the connections, and at least eight.
    [[nodiscard]] std::size_t per_address() const { return std::max<std::size_t>(8, connections / 4); }
    [[nodiscard]] std::chrono::seconds lifetime() const { return 10 * idle; }
  };

  /// A connection as this class leaves it between two calls. Another object can continue it from there.
  struct Connection {
    Descriptor socket;
    IpAddress client;
    Steady::time_point opened;
    /// When a complete query was last read, or a part of a reply written. Single octets of a query don't count.
    Steady::time_point active;
    std::vector<std::uint8_t> in;
    std::vector<std::uint8_t> out;
    std::size_t written = 0;   ///< of out
    bool client_done = false;  ///< it ended its stream: answer its queries, then close
    std::uint32_t watched = 0;

    [[nodiscard]] std::size_t pending() const { return out.size() - written; }
    /// Whether `in` has a complete query.
    [[nodiscard]] bool holds_query() const;
    /// Which events of epoll it waits for. Writability, too, if complete queries are left for the next turn: a writable socket wakes the
    /// worker at once.
    [[nodiscard]] std::uint32_t events() const;
  };
  using Owned = std::unique_ptr<Connection>;

  /// Adds the connections to `epoll`, with the descriptor as data. `epoll` and `counters` must outlive this.
  /// `transfer` gets connections on which a transfer is to be sent.
  TcpConnections(int epoll, Limits limits, WorkerCounters& counters, std::function<void(transfer::Handover)> transfer);
  ~TcpConnections();
  TcpConnections(const TcpConnections&) = delete;
  TcpConnections& operator=(const TcpConnections&) = delete;

  /// Accepts waiting connections, up to a limit. If the number of connections is at its limit, closes the one that was idle longest, so
  /// that old clients can't lock out new ones. False: the process has no descriptor left; try again later.
  [[nodiscard]] bool accept_from(int listener, Steady::time_point now);
  /// Continues a connection that another object released. It stays even if there are more connections than the limit then: it may hold
  /// queries, and ends with its idle time or lifetime at the latest.
  void adopt(Owned connection);
  /// Gives away all connections. Their sockets stay open, and aren't in `epoll` any more.
  [[nodiscard]] std::vector<Owned> release();
  /// Handles `events` of epoll for the connection with descriptor `fd`.
  void serve(int fd, std::uint32_t events, Answerer& answerer, Steady::time_point now);
  /// Closes connections that have been idle, or open, for too long. To be called about once a second.
  void close_idle(Steady::time_point now);

 private:
  /// True: what is left to answer begins with a query for a transfer that is allowed.
  [[nodiscard]] bool answer_what_is_read(Connection& connection, Answerer& answerer, Steady::time_point now);
  void hand_over(int fd);
  /// False: the connection failed. Likewise `write_out`.
  [[nodiscard]] static bool read_more(Connection& connection);
  [[nodiscard]] static bool write_out(Connection& connection, Steady::time_point now);
  void watch(Connection& connection) const;
  void make_room(const IpAddress& address);
  /// Closes the connection that was idle longest, of one client or of all. False: there is none.
  bool close_idlest(const std::optional<IpAddress>& of);
  void close(int fd);

  int epoll_;
  Limits limits_;
  WorkerCounters& counters_;
  std::function<void(transfer::Handover)> transfer_;
  std::unordered_map<int, Owned> open_;
  std::unordered_map<IpAddress, std::size_t> per_address_;
  std::vector<std::uint8_t> reply_;  ///< with room for the largest reply; reused for each
};

}  // namespace blowback::net
