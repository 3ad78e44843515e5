// The sockets of an SMTP or LMTP feed, in a thread of their own, so that clients are served while the database is busy.
//
// Everything is bounded: connections, connections per client, time, octets in memory, callouts (feed/callouts.h). Where there are too
// many connections, the one for which we have waited longest is closed, so that slow clients can't lock others out.
#pragma once

#include "arrival_queue.h"
#include "blowback/prefix.h"
#include "certificate.h"
#include "connection.h"
#include "feed/feed.h"
#include "listening_socket.h"

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace blowback::smtp {

struct ListenerSettings {
  ConnectionSettings connection;
  std::vector<Endpoint> listen;
  std::vector<Prefix> trusted_relays;  ///< may use XCLIENT and XFORWARD; so may every client of a unix socket
  Certificate certificate;
  std::size_t connections = 0;
  std::size_t connections_per_client = 0;  ///< of an IPv4 address or IPv6 /64; trusted relays may have more
  std::size_t memory = 0;                  ///< octets of unfinished and queued messages
  /// A connection is only closed in favour of another if we have waited for its client so long.
  std::chrono::milliseconds slow = std::chrono::seconds{3};
};

/// One thread at a time, beside its own.
class Listener {
 public:
  /// Listens at once. Fails if a certificate can't be used or an endpoint not be bound.
  [[nodiscard]] static std::expected<std::unique_ptr<Listener>, feed::FeedError> open(ListenerSettings settings);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// Stops listening, sends 421 to all clients, and closes their connections.
  ~Listener();

  /// Removes and returns what arrived, within the bounds; see ArrivalQueue.
  [[nodiscard]] std::vector<Arrived> take(const feed::Bounds& bounds);
  /// Reports to the clients of these connections whether their messages are stored: 250 or 451.
  void report_storage(std::vector<Ticket> tickets, bool is_stored);
  [[nodiscard]] std::vector<RemovalArrived> take_removals(std::size_t most);
  /// Replies to the request of that connection, if it is still there.
  void answer(Ticket ticket, std::string reply);
  /// Prepares other settings: binds their new endpoints and reads their certificate. An error leaves everything as it is. The result, when
  /// called, applies them: to connections that begin later, while earlier ones keep theirs. An endpoint that both settings have keeps its
  /// socket, so that no connection is refused. The result has no effect if it isn't called. The listener must outlive it.
  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(ListenerSettings settings);
  /// Where it listens, in the order of the settings, with the ports that the kernel chose.
  [[nodiscard]] std::vector<Endpoint> endpoints() const;
  /// Readable while there is something to take.
  [[nodiscard]] int wake_fd() const;

 private:
  class Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::smtp
