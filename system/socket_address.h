// Conversions between our addresses and those of the sockets API.
#pragma once

#include "blowback/ip_address.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace blowback {

/// The form that bind(2), connect(2) and sendto(2) take.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const;
};

[[nodiscard]] SocketAddress socket_address(const IpAddress& address, std::uint16_t port);

/// `192.0.2.1:53`, `[2001:db8::1]:53`, as in the config; `address` in presentation format.
[[nodiscard]] std::string endpoint_text(std::string_view address, std::uint16_t port);

/// Absent if `from` is null or of another family. Requires that it is as long as the addresses of its family.
[[nodiscard]] std::optional<IpAddress> address_of(const sockaddr* from);
[[nodiscard]] std::optional<IpAddress> address_of(const sockaddr_storage& from);

/// The port that an IPv4 or IPv6 socket is bound to, which the kernel chose if it was bound to port 0. 0: it isn't bound.
[[nodiscard]] std::uint16_t bound_port(int socket);

}  // namespace blowback
