#include "system/socket_address.h"

#include <cstring>
#include <netinet/in.h>

namespace blowback {

const sockaddr* SocketAddress::get() const {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API has it so
  return reinterpret_cast<const sockaddr*>(&storage);
}

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress made;
  if (address.family() == Family::ipv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(address.v4());
    std::memcpy(&made.storage, &v4, sizeof v4);
    made.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.octets().data(), address.octets().size());
    std::memcpy(&made.storage, &v6, sizeof v6);
    made.size = sizeof v6;
  }
  return made;
}

std::string endpoint_text(std::string_view address, std::uint16_t port) {
  const bool is_v6 = address.contains(':');
  std::string text(is_v6 ? "[" : "");
  text += address;
  text += is_v6 ? "]:" : ":";
  return text += std::to_string(port);
}

std::optional<IpAddress> address_of(const sockaddr* from) {
  if (from == nullptr) return std::nullopt;
  if (from->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, from, sizeof v4);
    return IpAddress::from_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (from->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, from, sizeof v6);
    IpAddress::Octets octets{};
    std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
    return IpAddress::from_octets(octets);
  }
  return std::nullopt;
}

std::optional<IpAddress> address_of(const sockaddr_storage& from) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API has it so
  return address_of(reinterpret_cast<const sockaddr*>(&from));
}

std::uint16_t bound_port(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API has it so
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (bound.ss_family == AF_INET) {
    std::memcpy(&v4, &bound, sizeof v4);
    return ntohs(v4.sin_port);
  }
  if (bound.ss_family == AF_INET6) std::memcpy(&v6, &bound, sizeof v6);
  return ntohs(v6.sin6_port);
}

}  // namespace blowback
