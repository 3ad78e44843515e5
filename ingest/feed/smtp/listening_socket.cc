#include "listening_socket.h"

#include "system/socket_address.h"
#include "system/unix_socket.h"

#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/local/stream_protocol.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <netinet/in.h>
#include <string_view>
#include <utility>

namespace blowback::smtp {
namespace {

[[nodiscard]] asio::ip::tcp::endpoint tcp_endpoint(const InternetEndpoint& at) {
  if (at.address.family() == Family::ipv4) return {asio::ip::address_v4(at.address.v4()), at.port};
  return {asio::ip::address_v6(at.address.octets()), at.port};
}

[[nodiscard]] std::string_view remedy_for(const asio::error_code& fault) {
  if (fault == asio::error::address_in_use) return "; another program listens there: stop it, or set another address";
  if (fault == asio::error::access_denied) {
    return "; a port below 1024 needs the capability CAP_NET_BIND_SERVICE, a unix socket a folder in which this "
           "program may write";
  }
  return "";
}

}  // namespace

std::string text_of(const Endpoint& endpoint) {
  if (const auto* path = std::get_if<std::string>(&endpoint)) return "unix:" + *path;
  const auto& at = std::get<InternetEndpoint>(endpoint);
  return endpoint_text(at.address.to_string(), at.port);
}

std::expected<std::unique_ptr<ListeningSocket>, feed::FeedError> ListeningSocket::open(asio::io_context& io,
                                                                                       const Endpoint& endpoint) {
  std::unique_ptr<ListeningSocket> socket(new ListeningSocket(io, endpoint));
  if (const auto fault = socket->listen()) {
    return std::unexpected(feed::FeedError{
        fmt::format("can't listen on {}: {}{}", text_of(endpoint), fault.message(), remedy_for(fault))});
  }
  return socket;
}

asio::error_code ListeningSocket::listen() {
  const auto* const path = std::get_if<std::string>(&endpoint_);
  asio::generic::stream_protocol::endpoint at;
  if (path != nullptr) {
    if (path->size() > kLongestSocketPath) return asio::error::name_too_long;
    if (!remove_dead_socket(*path)) return asio::error::address_in_use;
    at = asio::local::stream_protocol::endpoint(*path);
  } else {
    at = tcp_endpoint(std::get<InternetEndpoint>(endpoint_));
  }
  asio::error_code fault;
  acceptor_.open(at.protocol(), fault);
  if (path == nullptr) {
    if (!fault) acceptor_.set_option(asio::socket_base::reuse_address(true), fault);
    if (!fault && at.protocol().family() == AF_INET6) acceptor_.set_option(asio::ip::v6_only(true), fault);
  }
  if (!fault) acceptor_.bind(at, fault);
  if (!fault && path != nullptr) path_ = *path;
  if (!fault) acceptor_.listen(asio::socket_base::max_listen_connections, fault);
  return fault;
}

Endpoint ListeningSocket::endpoint() const {
  auto endpoint = endpoint_;
  auto* const internet = std::get_if<InternetEndpoint>(&endpoint);
  asio::error_code fault;
  const auto at = acceptor_.local_endpoint(fault);
  if (internet == nullptr || fault) return endpoint;
  asio::ip::tcp::endpoint bound;
  std::memcpy(bound.data(), at.data(), at.size());
  bound.resize(at.size());
  internet->port = bound.port();
  return endpoint;
}

void ListeningSocket::close() {
  asio::error_code ignored;
  acceptor_.close(ignored);
  if (!path_.empty()) unlink(std::exchange(path_, {}).c_str());
}

}  // namespace blowback::smtp
