// Making sockets, and saying what to do where one can't be made.
#include "socket.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/eventfd.h>
#include <system_error>

namespace blowback::net {
namespace {

/// What the kernel may queue for a UDP socket while its thread is busy: some ten thousand queries.
constexpr int kReceiveBuffer = 4 << 20;
constexpr int kBacklog = 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

[[nodiscard]] SocketAddress socket_address(const config::Endpoint& endpoint) {
  SocketAddress address;
  const auto& octets = endpoint.address.octets();
  if (endpoint.address.family() == Family::ipv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    v4.sin_addr.s_addr = htonl(endpoint.address.v4());
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.length = sizeof v6;
  }
  return address;
}

[[nodiscard]] BindError explained(const config::Endpoint& endpoint, std::string_view protocol, int error) {
  const auto where = fmt::format("{} ({})", to_string(endpoint), protocol);
  switch (error) {
    case EADDRINUSE:
      return {fmt::format(
          "{}: address already in use; another program serves there, see `ss -lntup 'sport = :{}'`, stop it "
          "or change server.listen",
          where, endpoint.port)};
    case EACCES:
    case EPERM:
      return {
          fmt::format("{}: not allowed; ports below 1024 need the capability CAP_NET_BIND_SERVICE (in a systemd unit: "
                      "AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose a higher port in server.listen",
                      where)};
    case EADDRNOTAVAIL:
      return {fmt::format("{}: this host has no such address; see `ip address`, and correct server.listen", where)};
    case EAFNOSUPPORT:
      return {fmt::format("{}: this host has no {}; take the address out of server.listen", where,
                          endpoint.address.family() == Family::ipv4 ? "IPv4" : "IPv6")};
    case EMFILE:
    case ENFILE:
      return {fmt::format(
          "{}: no file descriptor left; raise `ulimit -n` (systemd: LimitNOFILE=), or lower server.workers", where)};
    default:
      return {fmt::format("{}: {}; see server.listen in the config", where,
                          std::error_code(error, std::generic_category()).message())};
  }
}

[[nodiscard]] bool switch_on(const Descriptor& socket, int level, int option, int value = 1) {
  return setsockopt(socket.get(), level, option, &value, sizeof value) == 0;
}

[[nodiscard]] std::expected<Descriptor, BindError> bound(const config::Endpoint& endpoint, int type,
                                                         std::string_view protocol, Sharing sharing) {
  const auto address = socket_address(endpoint);
  Descriptor socket(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // With V6ONLY, `[::]` and `0.0.0.0` can be served side by side, and IPv4 clients are never seen in mapped form.
  const bool v6 = address.storage.ss_family == AF_INET6;
  if (!socket.is_open() || (v6 && !switch_on(socket, IPPROTO_IPV6, IPV6_V6ONLY)) ||
      (sharing == Sharing::shared && !switch_on(socket, SOL_SOCKET, SO_REUSEPORT)) ||
      // Connections that are winding down must not keep a restarted server from its port.
      (type == SOCK_STREAM && !switch_on(socket, SOL_SOCKET, SO_REUSEADDR)) ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
    return std::unexpected(explained(endpoint, protocol, errno));
  }
  return socket;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

StopSignal::StopSignal() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!event_.is_open()) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void StopSignal::raise() const { eventfd_write(event_.get(), 1); }

std::expected<Descriptor, BindError> udp_socket(const config::Endpoint& endpoint, Sharing sharing) {
  auto socket = bound(endpoint, SOCK_DGRAM, "UDP", sharing);
  if (!socket) return socket;
  const bool v6 = endpoint.address.family() == Family::ipv6;
  // On a wildcard address the reply must leave by the address that was asked, which each datagram then has to tell.
  if (is_wildcard(endpoint) &&
      !(v6 ? switch_on(*socket, IPPROTO_IPV6, IPV6_RECVPKTINFO) : switch_on(*socket, IPPROTO_IP, IP_PKTINFO))) {
    return std::unexpected(explained(endpoint, "UDP", errno));
  }
  // What follows is for the better where the kernel has it, and no harm where it hasn't. OMIT: forged ICMP "too big" can't
  // make us send fragments; nothing of ours is larger than 1,232 octets anyway.
  static_cast<void>(switch_on(*socket, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer));
  static_cast<void>(v6 ? switch_on(*socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)
                       : switch_on(*socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT));
  return socket;
}

std::expected<Descriptor, BindError> tcp_listener(const config::Endpoint& endpoint, Sharing sharing) {
  auto socket = bound(endpoint, SOCK_STREAM, "TCP", sharing);
  if (socket && listen(socket->get(), kBacklog) != 0) return std::unexpected(explained(endpoint, "TCP", errno));
  return socket;
}

bool is_wildcard(const config::Endpoint& endpoint) {
  const auto& octets = endpoint.address.octets();
  if (endpoint.address.family() == Family::ipv4) return endpoint.address.v4() == 0;
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

IpAddress address_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return IpAddress::from_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  IpAddress::Octets octets{};
  std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
  return IpAddress::from_octets(octets);
}

std::string to_string(const config::Endpoint& endpoint) {
  return endpoint.address.family() == Family::ipv4
             ? fmt::format("{}:{}", endpoint.address.to_string(), endpoint.port)
             : fmt::format("[{}]:{}", endpoint.address.to_string(), endpoint.port);
}

}  // namespace blowback::net
