#include "net/sockets.h"

#include "system/socket_address.h"

#include <fmt/format.h>
#include <linux/sock_diag.h>

#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <system_error>

namespace blowback::net {
namespace {

constexpr int kBacklog = 511;
/// Holds a burst of queries while a worker is busy; the kernel grants what net.core.rmem_max allows.
constexpr int kReceiveBuffer = 4 << 20;

[[nodiscard]] std::unexpected<SocketError> failed(const config::Endpoint& endpoint, int code) {
  std::string remedy;
  switch (code) {
    case EADDRINUSE:
      remedy = fmt::format(
          "; another program has it: see which by `ss -lnptu sport = :{}`, stop it or configure "
          "another port",
          endpoint.port);
      break;
    case EACCES:
      remedy = "; ports below 1024 need CAP_NET_BIND_SERVICE; or configure a higher port";
      break;
    case EADDRNOTAVAIL:
      remedy = "; this host doesn't have that address: see `ip address`, and correct the config";
      break;
    default:
      break;
  }
  const bool is_v6 = endpoint.address.family() == Family::ipv6;
  return std::unexpected(SocketError{
      .code = code,
      .text = endpoint_text(endpoint.address.to_string(), endpoint.port) + ": " +
              std::generic_category().message(code) + remedy,
      .no_ipv6 =
          is_v6 && (code == EAFNOSUPPORT || (code == EADDRNOTAVAIL && use_of(endpoint.address) == AddressUse::special)),
  });
}

[[nodiscard]] bool set(const Descriptor& socket, int level, int option, int value) {
  return setsockopt(socket.get(), level, option, &value, sizeof value) == 0;
}

[[nodiscard]] std::expected<Descriptor, SocketError> open(const config::Endpoint& endpoint, int type, bool shared) {
  const bool is_v6 = endpoint.address.family() == Family::ipv6;
  Descriptor socket(::socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return failed(endpoint, errno);
  const bool options_set = (!is_v6 || set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
                           // TCP: a listener may come back while old connections are in TIME_WAIT.
                           (type != SOCK_STREAM || set(socket, SOL_SOCKET, SO_REUSEADDR, 1)) &&
                           (!shared || set(socket, SOL_SOCKET, SO_REUSEPORT, 1));
  if (!options_set) return failed(endpoint, errno);
  return socket;
}

[[nodiscard]] std::expected<void, SocketError> bind_to(const Descriptor& socket, const config::Endpoint& endpoint) {
  const auto address = socket_address(endpoint.address, endpoint.port);
  if (bind(socket.get(), address.get(), address.size) != 0) return failed(endpoint, errno);
  return {};
}

}  // namespace

std::expected<UdpSocket, SocketError> unbound_udp_socket(const config::Endpoint& endpoint) {
  auto socket = open(endpoint, SOCK_DGRAM, true);
  if (!socket) return std::unexpected(std::move(socket).error());
  const bool is_v6 = endpoint.address.family() == Family::ipv6;
  const bool any_address = endpoint.address == (is_v6 ? IpAddress::from_octets({}) : IpAddress());
  // On a wildcard address the reply must come from the address that the query was sent to. On other addresses it always does, and
  // the option would cost time with every datagram.
  if (any_address &&
      !(is_v6 ? set(*socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(*socket, IPPROTO_IP, IP_PKTINFO, 1))) {
    return failed(endpoint, errno);
  }
  // If the kernel grants less, bursts are dropped sooner.
  static_cast<void>(set(*socket, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer));
  static_cast<void>(set(*socket, SOL_SOCKET, SO_SNDBUF, kReceiveBuffer));
  return UdpSocket{.descriptor = std::move(*socket), .any_address = any_address};
}

std::expected<void, SocketError> bind_udp(const UdpSocket& socket, const config::Endpoint& endpoint) {
  return bind_to(socket.descriptor, endpoint);
}

std::expected<Descriptor, SocketError> bound_tcp_socket(const config::Endpoint& endpoint) {
  auto socket = open(endpoint, SOCK_STREAM, true);
  if (!socket) return socket;
  if (auto bound = bind_to(*socket, endpoint); !bound) return std::unexpected(std::move(bound).error());
  return socket;
}

std::expected<void, SocketError> listen_tcp(const Descriptor& socket, const config::Endpoint& endpoint) {
  if (listen(socket.get(), kBacklog) != 0) return failed(endpoint, errno);
  return {};
}

std::expected<UdpSocket, SocketError> udp_socket(const config::Endpoint& endpoint) {
  auto socket = unbound_udp_socket(endpoint);
  if (!socket) return socket;
  if (auto bound = bind_udp(*socket, endpoint); !bound) return std::unexpected(std::move(bound).error());
  return socket;
}

std::expected<Descriptor, SocketError> tcp_listener(const config::Endpoint& endpoint) {
  auto socket = bound_tcp_socket(endpoint);
  if (!socket) return socket;
  if (auto listening = listen_tcp(*socket, endpoint); !listening) return std::unexpected(std::move(listening).error());
  return socket;
}

std::expected<Descriptor, SocketError> sole_tcp_listener(const config::Endpoint& endpoint) {
  auto socket = open(endpoint, SOCK_STREAM, false);
  if (!socket) return socket;
  if (auto bound = bind_to(*socket, endpoint); !bound) return std::unexpected(std::move(bound).error());
  if (auto listening = listen_tcp(*socket, endpoint); !listening) return std::unexpected(std::move(listening).error());
  return socket;
}

std::uint64_t dropped_by(const UdpSocket& socket) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (getsockopt(socket.descriptor.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

std::expected<void, SocketError> must_be_free(const config::Endpoint& endpoint) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const auto socket = open(endpoint, type, false);
    if (!socket) return std::unexpected(socket.error());
    if (auto bound = bind_to(*socket, endpoint); !bound) return bound;
  }
  return {};
}

std::expected<ReservedEndpoint, SocketError> reserve_port(const IpAddress& address) {
  // A port that the kernel chose for UDP may be taken for TCP.
  constexpr int kAttempts = 20;
  std::optional<SocketError> error;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto udp = udp_socket({.address = address, .port = 0});
    if (!udp) return std::unexpected(std::move(udp).error());
    const config::Endpoint endpoint{.address = address, .port = bound_port(udp->descriptor.get())};
    auto tcp = tcp_listener(endpoint);
    if (tcp) return ReservedEndpoint{.endpoint = endpoint, .udp = std::move(*udp), .tcp = std::move(*tcp)};
    error = std::move(tcp).error();
  }
  return std::unexpected(std::move(*error));
}

}  // namespace blowback::net
