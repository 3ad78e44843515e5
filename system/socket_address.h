// Between our addresses and those of the sockets API.
#pragma once

#include "blowback/ip_address.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace blowback {

/// As bind(2), connect(2) and sendto(2) take it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const;
};

[[nodiscard]] SocketAddress socket_address(const IpAddress& address, std::uint16_t port);

/// `192.0.2.1:53`, `[2001:db8::1]:53`, as the config has them; `address` in presentation format.
[[nodiscard]] std::string endpoint_text(std::string_view address, std::uint16_t port);

/// `from` is as long as its family's addresses are. Absent: it is null, or of another family.
[[nodiscard]] std::optional<IpAddress> address_of(const sockaddr* from);
[[nodiscard]] std::optional<IpAddress> address_of(const sockaddr_storage& from);

}  // namespace blowback
