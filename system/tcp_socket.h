// TCP sockets that listen.
#pragma once

#include "blowback/ip_address.h"
#include "system/descriptor.h"
#include "system/unix_socket.h"

#include <cstdint>
#include <expected>
#include <string>

namespace blowback {

/// Listens there, non-blocking, with a queue of `backlog` connections. Port 0: the kernel chooses one (`bound_port`). `key`: the config key of the
/// endpoint, for the error's text.
[[nodiscard]] std::expected<Descriptor, ListenError> listen_on(const IpAddress& address, std::uint16_t port,
                                                               int backlog, const std::string& key);

}  // namespace blowback
