// One client's connection: carries octets between its socket and its session (session.h), and limits the time that the client has.
#pragma once

#include "blowback/trap_delivery.h"
#include "blowback/unix_time.h"
#include "session.h"

#include <asio/generic/stream_protocol.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::smtp {

using StreamSocket = asio::generic::stream_protocol::socket;

/// Identifies a connection within its listener.
using Ticket = std::uint64_t;

struct TimeLimits {
  std::chrono::milliseconds command{};  ///< for a client to send a whole command
  std::chrono::milliseconds data{};     ///< for a client to send a whole message
  /// For the database to store a message. Longer than an import keeps it busy; clients wait 10 minutes (RFC 5321 §4.5.3.2.6).
  std::chrono::milliseconds storage = std::chrono::minutes{9};
  std::chrono::milliseconds session = std::chrono::hours{1};  ///< for all commands and messages of a client
  std::chrono::milliseconds close = std::chrono::seconds{2};  ///< for a client to read our last reply and close
};

/// The settings of a connection from its start to its end: a reload changes those of later connections only.
struct ConnectionSettings {
  SessionSettings session;
  bool proxy_protocol = false;  ///< every connection begins with a PROXY header, and comes from a trusted relay
  TimeLimits times;
  std::function<UnixTime()> now;  ///< called from the listener's thread
};

/// What the connections that begin under one config share.
struct ConnectionTerms {
  ConnectionSettings settings;
  asio::ssl::context tls;  ///< for STARTTLS
};

/// Runs in the thread of its socket's io_context, with one operation on the socket under way at a time. Kept alive by its operations until
/// it is closed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// The listener, as its connections see it. Must outlive them.
  class Owner {
   public:
    /// The PROXY header named `client`. True: it may have this connection, which counts as one of its connections from now on.
    [[nodiscard]] virtual bool admit(Ticket ticket, const IpAddress& client) = 0;
    /// A whole message. The client waits until `report_storage` is called.
    virtual void deliver(Ticket ticket, TrapDelivery message) = 0;
    /// A request for removal. The client waits until `answer` is called.
    virtual void deliver_removal(Ticket ticket, RemovalRequested removal) = 0;
    virtual void deliver_callout(TrapDelivery callout) = 0;
    /// The connection is closed. Called once.
    virtual void closed(Ticket ticket) = 0;

   protected:
    ~Owner() = default;
  };

  /// To be made by std::make_shared. `budget` must outlive it.
  Connection(Owner& owner, Budget& budget, std::shared_ptr<ConnectionTerms> terms, StreamSocket socket, Ticket ticket,
             Session::Peer peer);

  /// Sends the greeting, or reads the PROXY header that comes before it.
  void begin();
  /// The message that the client waits for is stored, or can't be. Does nothing if there is none.
  void report_storage(bool is_stored);
  /// The reply to the request for removal that the client waits for. Likewise.
  void answer(std::string_view reply);
  /// Closes the connection. If the client may send a command now, it gets `reply` (without CRLF) first.
  void end(std::string_view reply);
  /// Since when we have been waiting for the client. Absent: it waits for us, or the connection is being closed.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> waiting_since() const;

 private:
  using EndedBy = Session::EndedBy;
  using Steady = std::chrono::steady_clock;
  enum class Operation : std::uint8_t { none, read, write };
  static constexpr std::size_t kReadOctets = 16U << 10U;

  [[nodiscard]] const ConnectionSettings& settings() const { return terms_->settings; }
  void read_proxy_header();
  void start_session();
  void advance();
  void send_output();
  void read();
  void handshake();
  void await_storage();
  void shut_down();
  void close(EndedBy by);
  void deliver_callouts();
  void allow_client(Steady::duration time);
  void allow(Steady::duration time);
  void watch_deadline();

  Owner& owner_;
  Budget& budget_;
  StreamSocket socket_;
  std::shared_ptr<ConnectionTerms> terms_;  ///< before the members that refer to it
  std::unique_ptr<asio::ssl::stream<StreamSocket&>> tls_;
  asio::steady_timer timer_;
  Ticket ticket_;
  Session::Peer peer_;
  std::unique_ptr<Session> session_;  ///< nullptr: the PROXY header isn't complete
  Operation operation_ = Operation::none;
  bool delivered_ = false;  ///< the session's message or request was passed to the owner
  bool shut_down_ = false;  ///< our last reply is sent
  bool closed_ = false;
  std::string proxy_header_;    ///< the octets of it received so far
  std::string early_input_;     ///< received with the PROXY header, after it
  std::string output_;          ///< being sent
  std::string final_reply_;     ///< sent instead of reading on
  std::uint64_t commands_ = 0;  ///< Session::commands, when the deadline was set
  bool in_data_ = false;        ///< Session::in_data, likewise
  Steady::time_point allowed_since_ = Steady::now();
  Steady::time_point deadline_;
  Steady::time_point session_ends_at_;
  std::array<char, kReadOctets> buffer_{};
};

}  // namespace blowback::smtp
