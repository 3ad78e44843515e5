// Sockets behind RAII, and addresses as the kernel takes them. Private to this room.
#pragma once

#include "blowback/ip_address.h"
#include "config/config.h"
#include "net/service.h"

#include <cstdint>
#include <expected>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace blowback::net {

/// A file descriptor that is closed with its owner.
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
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// An event that, once raised, wakes every thread that polls it, and stays raised.
class StopSignal {
 public:
  /// Throws std::system_error where the kernel has no descriptor left.
  StopSignal();
  void raise() const;
  [[nodiscard]] int get() const { return event_.get(); }

 private:
  Descriptor event_;
};

enum class Sharing : std::uint8_t {
  alone,   ///< fails where anybody else has the address
  shared,  ///< SO_REUSEPORT: with others of ours
};

/// Bound, not blocking; by IPv6 for IPv6 alone.
[[nodiscard]] std::expected<Descriptor, BindError> udp_socket(const config::Endpoint& endpoint, Sharing sharing);
/// Bound and listening, not blocking.
[[nodiscard]] std::expected<Descriptor, BindError> tcp_listener(const config::Endpoint& endpoint, Sharing sharing);

/// Whether the endpoint stands for every address of the host.
[[nodiscard]] bool is_wildcard(const config::Endpoint& endpoint);

/// The address in a sockaddr_in or sockaddr_in6.
[[nodiscard]] IpAddress address_of(const sockaddr_storage& address);

}  // namespace blowback::net
