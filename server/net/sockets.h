// The server's sockets: bound, non-blocking, shared between workers; and errors that say what to do.
#pragma once

#include "config/config.h"
#include "system/descriptor.h"

#include <cstdint>
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

/// With SO_REUSEPORT and all other options, but not bound: no datagram arrives, and closing it loses none. IPv6 sockets take IPv6 only
/// (IPV6_V6ONLY).
[[nodiscard]] std::expected<UdpSocket, SocketError> unbound_udp_socket(const config::Endpoint& endpoint);
/// From now on the kernel distributes datagrams to this socket, too.
[[nodiscard]] std::expected<void, SocketError> bind_udp(const UdpSocket& socket, const config::Endpoint& endpoint);
/// Bound, but not listening: no connection arrives.
[[nodiscard]] std::expected<Descriptor, SocketError> bound_tcp_socket(const config::Endpoint& endpoint);
/// From now on the kernel distributes connections to this socket, too.
[[nodiscard]] std::expected<void, SocketError> listen_tcp(const Descriptor& socket, const config::Endpoint& endpoint);

/// Both steps at once.
[[nodiscard]] std::expected<UdpSocket, SocketError> udp_socket(const config::Endpoint& endpoint);
[[nodiscard]] std::expected<Descriptor, SocketError> tcp_listener(const config::Endpoint& endpoint);

/// Without SO_REUSEPORT: fails if any other socket has the endpoint.
[[nodiscard]] std::expected<Descriptor, SocketError> sole_tcp_listener(const config::Endpoint& endpoint);

/// Datagrams that the kernel has dropped since the socket was opened because its buffer was full.
[[nodiscard]] std::uint64_t dropped_by(const UdpSocket& socket);

/// Fails if any other socket has the endpoint, even one that shares it by SO_REUSEPORT: two servers on one port would each answer
/// some of the clients, from different lists.
[[nodiscard]] std::expected<void, SocketError> must_be_free(const config::Endpoint& endpoint);

/// An endpoint whose port the kernel chose, and the first sockets that are bound to it.
struct ReservedEndpoint {
  config::Endpoint endpoint;
  UdpSocket udp;
  Descriptor tcp;
};
/// `address` with a port that is free for both UDP and TCP.
[[nodiscard]] std::expected<ReservedEndpoint, SocketError> reserve_port(const IpAddress& address);

}  // namespace blowback::net
