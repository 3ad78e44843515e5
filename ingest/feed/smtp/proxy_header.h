// The PROXY protocol's header, versions 1 and 2: who connected to the proxy in front of us (haproxy's proxy-protocol.txt).
#pragma once

#include "blowback/ip_address.h"

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>

namespace blowback::smtp {

struct ProxyHeader {
  std::size_t octets = 0;           ///< of the header
  std::optional<IpAddress> client;  ///< absent: the proxy's own connection (LOCAL), or it doesn't know (UNKNOWN)
};

enum class ProxyFault : unsigned char {
  incomplete,  ///< more octets are needed
  invalid,     ///< that is no such header, or one of an address family that we can't judge
};

/// `octets`: what came on the connection so far. A header has at most 2 KiB here.
[[nodiscard]] std::expected<ProxyHeader, ProxyFault> parse_proxy_header(std::string_view octets);

}  // namespace blowback::smtp
