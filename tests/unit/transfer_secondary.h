// A secondary on loopback whose messages the test reads and answers one by one.
#pragma once

#include "answer_fixture.h"
#include "config/config.h"
#include "system/descriptor.h"
#include "system/socket_address.h"

#include <chrono>
#include <cstdint>
#include <sys/socket.h>
#include <sys/time.h>

namespace blowback::test {

/// A name server's UDP socket.
class Secondary {
 public:
  Secondary() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const auto address = socket_address(ip("127.0.0.1"), 0);
    REQUIRE(bind(socket_.get(), address.get(), address.size) == 0);
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    REQUIRE(setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  }
  [[nodiscard]] config::Endpoint at() const { return {.address = ip("127.0.0.1"), .port = bound_port(socket_.get())}; }

  [[nodiscard]] Bytes receive() {
    Bytes message(512);
    from_size_ = sizeof from_;
    const auto size =
        recvfrom(socket_.get(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&from_), &from_size_);
    REQUIRE(size > 0);
    message.resize(static_cast<std::size_t>(size));
    return message;
  }
  /// To the sender of the last message.
  void send(const Bytes& reply) const {
    REQUIRE(sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<const sockaddr*>(&from_),
                   from_size_) > 0);
  }
  void answer(Bytes message, unsigned rcode = 0) const {
    message[2] |= 0x80U;
    message[3] = static_cast<std::uint8_t>(rcode);
    send(message);
  }
  /// Whether nothing comes for so long.
  [[nodiscard]] bool is_quiet(std::chrono::milliseconds span) const {
    const timeval patience{.tv_sec = 0, .tv_usec = static_cast<suseconds_t>(span.count() * 1000)};
    REQUIRE(setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    std::uint8_t octet = 0;
    return recv(socket_.get(), &octet, 1, 0) < 0;
  }

 private:
  Descriptor socket_;
  sockaddr_storage from_{};
  socklen_t from_size_ = 0;
};

}  // namespace blowback::test
