#include "system/tcp_socket.h"

#include "system/socket_address.h"

#include <fmt/format.h>

#include <cerrno>
#include <sys/socket.h>
#include <system_error>

namespace blowback {

std::expected<Descriptor, ListenError> listen_on(const IpAddress& address, std::uint16_t port, int backlog,
                                                 const std::string& key) {
  const auto place = socket_address(address, port);
  Descriptor socket(::socket(place.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int one = 1;
  // SO_REUSEADDR: right after a restart there may be old connections in TIME_WAIT. It doesn't share the port with other listeners.
  if (socket.get() < 0 || setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
      bind(socket.get(), place.get(), place.size) != 0 || listen(socket.get(), backlog) != 0) {
    const int code = errno;
    return std::unexpected(
        ListenError{fmt::format("{}: {}; set {} to another port or to \"\"", endpoint_text(address.to_string(), port),
                                std::generic_category().message(code), key)});
  }
  return socket;
}

}  // namespace blowback
