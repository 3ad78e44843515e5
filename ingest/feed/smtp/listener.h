// The sockets of an SMTP or LMTP feed, in a thread of their own, so that a client is heard while the database is busy.
//
// Bounded in all: connections, connections of one client, time per command, octets in memory, callouts (feed/callouts.h). Where there
// are too many connections, the one that has kept us waiting longest gives way, so that slow clients can't lock others out.
#pragma once

#include "blowback/prefix.h"
#include "certificate.h"
#include "feed/feed.h"
#include "session.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace blowback::smtp {

struct InternetEndpoint {
  IpAddress address;
  std::uint16_t port = 0;
};
using Endpoint = std::variant<InternetEndpoint, std::string>;  ///< or a unix socket's path

struct ListenerSettings {
  SessionSettings session;
  std::function<UnixTime()> now;  ///< called from the listener's thread
  std::vector<Endpoint> listen;
  std::vector<Prefix> trusted_relays;  ///< may use XCLIENT and XFORWARD; whoever connects to a unix socket may, too
  bool proxy_protocol = false;         ///< every connection begins with a PROXY header, and comes from a trusted relay
  Certificate certificate;
  std::size_t connections = 0;
  std::size_t connections_per_client = 0;  ///< of an IPv4 address or IPv6 /64; trusted relays may have more
  std::chrono::seconds command_time{};     ///< for a client to say a whole command
  std::chrono::seconds data_time{};        ///< and a whole message
  std::size_t memory = 0;                  ///< octets of messages under way
};

class Listener {
 public:
  /// Names the session that waits for its message's fate.
  using Ticket = std::uint64_t;
  static constexpr Ticket kNobody = 0;  ///< of a callout: nobody waits

  struct Arrived {
    Ticket ticket = kNobody;
    feed::Item item;
  };

  /// Listens at once.
  [[nodiscard]] static std::expected<std::unique_ptr<Listener>, feed::FeedError> open(ListenerSettings settings);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  /// Tells all clients to come again later, and closes.
  ~Listener();

  /// What arrived, within the bounds: messages, for which clients wait, and then callouts; oldest first of each. These and the next may be called by any one thread.
  [[nodiscard]] std::vector<Arrived> take(const feed::Bounds& bounds);
  /// Tells those clients whether their messages are stored.
  void settle(std::vector<Ticket> tickets, bool stored);
  /// Makes ready for other settings: where they name a new place it listens there already, and their certificate is read. An error leaves
  /// all as it is. The result, called, has them in force: for sessions that begin from then on, while those under way go on by their own. A
  /// place that both settings name keeps its socket, so nobody who connects there is refused. Dropped, it changes nothing. The listener must
  /// outlive it.
  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(ListenerSettings settings);
  /// Readable while something waits to be taken.
  [[nodiscard]] int wake_fd() const;

 private:
  class Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::smtp
