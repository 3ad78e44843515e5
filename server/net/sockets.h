// The server's sockets: bound, non-blocking, shared between workers; and errors that say what to do.
#pragma once

#include "config/config.h"
#include "system/descriptor.h"

#include <expected>
#include <string>

namespace blowback::net {

struct SocketError {
  int code = 0;          ///< errno
  std::string text;      ///< names the endpoint and says what to do
  bool no_ipv6 = false;  ///< this host has no IPv6, or no such loopback
};

struct UdpSocket {
  Descriptor descriptor;
  bool any_address = false;  ///< bound to 0.0.0.0 or [::]: each datagram comes with the address that it was sent to
};

/// With SO_REUSEPORT; IPv6 sockets take IPv6 only (IPV6_V6ONLY).
[[nodiscard]] std::expected<UdpSocket, SocketError> udp_socket(const config::Endpoint& endpoint);
/// Likewise, listening.
[[nodiscard]] std::expected<Descriptor, SocketError> tcp_listener(const config::Endpoint& endpoint);

/// Fails if any other socket has the endpoint, even one that shares it by SO_REUSEPORT: two servers on one port would each answer
/// some of the clients, from different lists.
[[nodiscard]] std::expected<void, SocketError> must_be_free(const config::Endpoint& endpoint);

/// An endpoint whose port the kernel chose, and the sockets that keep it until the workers have bound theirs.
struct ReservedEndpoint {
  config::Endpoint endpoint;
  UdpSocket udp;
  Descriptor tcp;
};
/// `address` with a port that is free for both UDP and TCP.
[[nodiscard]] std::expected<ReservedEndpoint, SocketError> reserve_port(const IpAddress& address);

}  // namespace blowback::net
