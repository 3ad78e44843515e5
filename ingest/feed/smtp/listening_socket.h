// A socket on which an SMTP or LMTP feed listens.
#pragma once

#include "blowback/ip_address.h"
#include "feed/feed.h"

#include <asio/basic_socket_acceptor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace blowback::smtp {

struct InternetEndpoint {
  IpAddress address;
  std::uint16_t port = 0;  ///< 0: the kernel chooses one
};
using Endpoint = std::variant<InternetEndpoint, std::string>;  ///< or the path of a unix socket

/// `192.0.2.1:25`, `[2001:db8::1]:25` or `unix:/path`, as the config writes it.
[[nodiscard]] std::string text_of(const Endpoint& endpoint);

/// Owns the socket, and the file of a unix socket.
class ListeningSocket {
 public:
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

  /// Binds and listens. A unix socket whose program was killed is replaced. `io` must outlive it.
  [[nodiscard]] static std::expected<std::unique_ptr<ListeningSocket>, feed::FeedError> open(asio::io_context& io,
                                                                                             const Endpoint& endpoint);
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  /// As `close`.
  ~ListeningSocket() { close(); }

  [[nodiscard]] Acceptor& acceptor() { return acceptor_; }
  /// The endpoint, with the port that the kernel chose.
  [[nodiscard]] Endpoint endpoint() const;
  /// Closes the socket and removes its file.
  void close();

 private:
  ListeningSocket(asio::io_context& io, Endpoint endpoint) : acceptor_(io), endpoint_(std::move(endpoint)) {}
  [[nodiscard]] asio::error_code listen();

  Acceptor acceptor_;
  Endpoint endpoint_;
  std::string path_;  ///< of the file that it made; "": none
};

}  // namespace blowback::smtp
