// Sockets as the server needs them: bound, non-blocking, shared between workers, and errors that say what to do.
#pragma once

#include "config/config.h"

#include <expected>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace blowback::net {

/// Owns a descriptor; -1 is none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

struct SocketError {
  int code = 0;          ///< errno
  std::string text;      ///< with the endpoint and the way out
  bool no_ipv6 = false;  ///< this host has no IPv6, or no such loopback
};

/// `192.0.2.1:53`, `[2001:db8::1]:53`.
[[nodiscard]] std::string to_string(const config::Endpoint& endpoint);

struct UdpSocket {
  Descriptor descriptor;
  bool any_address = false;  ///< bound to 0.0.0.0 or [::]: with each datagram comes the address that it was sent to
};

/// What the BSD interface tells of a peer, as a value.
[[nodiscard]] IpAddress address_of(const sockaddr_storage& from);

/// With SO_REUSEPORT; IPv6 sockets take IPv6 only (IPV6_V6ONLY).
[[nodiscard]] std::expected<UdpSocket, SocketError> udp_socket(const config::Endpoint& endpoint);
/// Likewise, listening.
[[nodiscard]] std::expected<Descriptor, SocketError> tcp_listener(const config::Endpoint& endpoint);

/// Fails where any other socket has the endpoint, also one that would share it with us by SO_REUSEPORT: two servers on one
/// port would each answer a part of the clients from their own list.
[[nodiscard]] std::expected<void, SocketError> must_be_free(const config::Endpoint& endpoint);

}  // namespace blowback::net
