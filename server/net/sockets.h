// Sockets as the server needs them: bound, non-blocking, shared between workers, and errors that say what to do.
#pragma once

#include "config/config.h"
#include "system/descriptor.h"

#include <expected>
#include <string>

namespace blowback::net {

struct SocketError {
  int code = 0;          ///< errno
  std::string text;      ///< with the endpoint and the way out
  bool no_ipv6 = false;  ///< this host has no IPv6, or no such loopback
};

struct UdpSocket {
  Descriptor descriptor;
  bool any_address = false;  ///< bound to 0.0.0.0 or [::]: with each datagram comes the address that it was sent to
};

/// With SO_REUSEPORT; IPv6 sockets take IPv6 only (IPV6_V6ONLY).
[[nodiscard]] std::expected<UdpSocket, SocketError> udp_socket(const config::Endpoint& endpoint);
/// Likewise, listening.
[[nodiscard]] std::expected<Descriptor, SocketError> tcp_listener(const config::Endpoint& endpoint);

/// Fails where any other socket has the endpoint, also one that would share it with us by SO_REUSEPORT: two servers on one
/// port would each answer a part of the clients from their own list.
[[nodiscard]] std::expected<void, SocketError> must_be_free(const config::Endpoint& endpoint);

}  // namespace blowback::net
