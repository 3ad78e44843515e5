// DNS clients over real sockets on loopback, and what a server answers from.
#pragma once

#include "answer/served_zone.h"
#include "catch.h"
#include "system/descriptor.h"
#include "system/socket_address.h"
#include "zone/follower.h"
#include "zone/published.h"
#include "zone_fixture.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <vector>

namespace blowback::test {

using Bytes = std::vector<std::uint8_t>;

/// A query for the A record of `labels` in bl.example.org.
inline Bytes question(std::uint16_t id, const std::vector<std::string_view>& labels = {"10", "2", "0", "192"}) {
  Bytes bytes{static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id & 0xffU), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  const auto add = [&](std::string_view label) {
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    bytes.insert(bytes.end(), label.begin(), label.end());
  };
  for (const auto label : labels) add(label);
  for (const auto* const label : {"bl", "example", "org"}) add(label);
  constexpr std::array<std::uint8_t, 5> kRootAIn{0, 0, 1, 0, 1};
  bytes.insert(bytes.end(), kRootAIn.begin(), kRootAIn.end());
  return bytes;
}

/// Whether `reply` answers the query `id` with 127.0.0.`octet` alone.
inline bool says_listed(const Bytes& reply, std::uint16_t id, std::uint8_t octet = 2) {
  const std::array<std::uint8_t, 4> listed{127, 0, 0, octet};
  return reply.size() > 16 && reply[0] == id >> 8U && reply[1] == (id & 0xffU) &&
         std::equal(listed.begin(), listed.end(), reply.end() - 4);
}

inline config::Zone zone_settings() {
  config::Zone settings;
  settings.name = "bl.example.org";
  settings.nameservers = {"ns1.example.org"};
  settings.hostmaster = "hostmaster@example.org";
  settings.txt = "{ip}";
  return settings;
}

/// A zone, and a list with 192.0.2.10 alone.
struct Served {
  explicit Served(const config::Server& settings) {
    zones.publish(answer::ServedZones::of(std::vector{zone_settings()}, settings, {}).value());
    view.publish(view_of(index_of({listed("192.0.2.10")})));
  }
  zone::Published<answer::ServedZones> zones;
  zone::Published<zone::View> view;
};

/// A client that is connected to a port of `address`. Over UDP the kernel hands it only what comes from there.
class Client {
 public:
  /// `type`: SOCK_DGRAM or SOCK_STREAM. `from`: the client's own address. `receive_buffer`: in bytes; 0: the system's default.
  Client(const std::string& address, std::uint16_t port, int type = SOCK_DGRAM, const std::string& from = "",
         int receive_buffer = 0)
      : socket_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    REQUIRE(socket_.is_open());
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    // Without Nagle's algorithm, which would delay small pieces.
    const int one = 1;
    if (type == SOCK_STREAM) setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!from.empty()) {
      const auto own = socket_address(ip(from), 0);
      REQUIRE(bind(fd(), own.get(), own.size) == 0);
    }
    const auto server = socket_address(ip(address), port);
    REQUIRE(connect(fd(), server.get(), server.size) == 0);
  }

  [[nodiscard]] int fd() const { return socket_.get(); }

  void send(const Bytes& bytes) const { REQUIRE(::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0); }
  /// A datagram, or what there is of a stream; empty: nothing came within ten seconds, or the end.
  [[nodiscard]] Bytes receive() const {
    Bytes buffer(4096);
    const auto size = recv(fd(), buffer.data(), buffer.size(), 0);
    buffer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return buffer;
  }

  /// With its length before it, as over TCP.
  void send_framed(const Bytes& query) const {
    Bytes framed{static_cast<std::uint8_t>(query.size() >> 8U), static_cast<std::uint8_t>(query.size() & 0xffU)};
    framed.insert(framed.end(), query.begin(), query.end());
    send(framed);
  }
  /// One reply with its length before it, which is left out. Empty: the end, or nothing came.
  [[nodiscard]] Bytes receive_framed() const {
    std::array<std::uint8_t, 2> length{};
    if (recv(fd(), length.data(), length.size(), MSG_WAITALL) != 2) return {};
    Bytes reply(static_cast<std::size_t>((length[0] << 8U) | length[1]));
    if (recv(fd(), reply.data(), reply.size(), MSG_WAITALL) != static_cast<ssize_t>(reply.size())) return {};
    return reply;
  }
  /// Whether the server has closed the connection. Requires that nothing is left to be read.
  [[nodiscard]] bool is_closed() const {
    std::uint8_t octet = 0;
    const auto size = recv(fd(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
  }

 private:
  Descriptor socket_;
};

/// Waits until `condition` is true. False: it isn't after twenty seconds.
template <typename Condition>
[[nodiscard]] bool becomes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

}  // namespace blowback::test
