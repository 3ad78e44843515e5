#include "http/server.h"

#include "connections.h"
#include "system/descriptor.h"
#include "system/socket_address.h"
#include "system/tcp_socket.h"

#include <microhttpd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <variant>

namespace blowback::http {
namespace {

using Clock = Connections::Clock;

constexpr int kBacklog = 511;
/// For the request line and the header fields of one request, and the header of its answer.
constexpr std::size_t kMemoryOfConnection = 16'384;
constexpr std::chrono::milliseconds kLookPause{200};
/// The library refuses connections beyond its own limit by not accepting them. Ours comes first, since it makes room.
constexpr unsigned kSpare = 64;

struct StopDaemon {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};
using Daemon = std::unique_ptr<MHD_Daemon, StopDaemon>;

struct DestroyResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using LibraryResponse = std::unique_ptr<MHD_Response, DestroyResponse>;

[[nodiscard]] std::optional<IpAddress> peer_of(MHD_Connection* connection) {
  const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info == nullptr ? std::nullopt : address_of(info->client_addr);
}

/// All fields of that name, joined by commas (RFC 9110 §5.3).
[[nodiscard]] std::string field(MHD_Connection* connection, const char* name) {
  struct Wanted {
    std::string_view name;
    std::string value;
  } wanted{.name = name, .value = {}};
  MHD_get_connection_values(
      connection, MHD_HEADER_KIND,
      [](void* to, MHD_ValueKind, const char* key, const char* value) {
        auto& found = *static_cast<Wanted*>(to);
        const std::string_view known(key);
        const bool is_it =
            std::ranges::equal(known, found.name, [](char a, char b) { return (a | 0x20) == (b | 0x20); });
        if (is_it && value != nullptr) found.value += (found.value.empty() ? "" : ", ") + std::string(value);
        return MHD_YES;
      },
      &wanted);
  return wanted.value;
}

[[nodiscard]] bool has_body(MHD_Connection* connection) {
  const auto length = field(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  return (!length.empty() && length != "0") || !field(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING).empty();
}

/// Whether the body is stated to be, or may be, within the limit. In chunks its size isn't stated.
[[nodiscard]] bool may_be_read(MHD_Connection* connection) {
  const auto length = field(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  std::size_t octets = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), octets);
  return length.empty() || (error == std::errc{} && end == length.data() + length.size() && octets <= kLongestBody);
}

[[nodiscard]] Request::Method method_of(std::string_view verb) {
  if (verb == MHD_HTTP_METHOD_GET) return Request::Method::get;
  if (verb == MHD_HTTP_METHOD_HEAD) return Request::Method::head;
  return verb == MHD_HTTP_METHOD_POST ? Request::Method::post : Request::Method::other;
}

[[nodiscard]] LibraryResponse made(const Response& response) {
  // The library copies the body; it doesn't change what it is given.
  LibraryResponse answer(MHD_create_response_from_buffer(
      response.body.size(), const_cast<char*>(response.body.data()),  // NOLINT(cppcoreguidelines-pro-type-const-cast)
      MHD_RESPMEM_MUST_COPY));
  if (!answer) return nullptr;
  if (!response.type.empty())
    MHD_add_response_header(answer.get(), MHD_HTTP_HEADER_CONTENT_TYPE, response.type.c_str());
  for (const auto& [name, value] : response.fields) MHD_add_response_header(answer.get(), name.c_str(), value.c_str());
  return answer;
}

}  // namespace

class Server::Impl {
 public:
  using Socket = std::variant<UnixSocket, Descriptor>;

  Impl(Socket socket, Limits limits, Handler handler)
      : socket_(std::move(socket)), limits_(std::move(limits)), handler_(std::move(handler)), connections_(limits_) {}

  [[nodiscard]] bool start() {
    const int listener = fd();
    port_ = bound_port(listener);
    // The library closes its listening socket. Ours stays with its owner, who removes the file of a unix socket.
    Descriptor own(dup(listener));
    if (!own.is_open()) return false;
    std::vector<MHD_OptionItem> options{
        {MHD_OPTION_LISTEN_SOCKET, own.get(), nullptr},
        {MHD_OPTION_CONNECTION_LIMIT, static_cast<intptr_t>(limits_.connections + kSpare), nullptr},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<intptr_t>(kMemoryOfConnection), nullptr},
        {MHD_OPTION_CONNECTION_TIMEOUT,
         static_cast<intptr_t>(std::max<long>(1, std::chrono::ceil<std::chrono::seconds>(limits_.time).count())),
         nullptr},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, nullptr},
        {MHD_OPTION_URI_LOG_CALLBACK, reinterpret_cast<intptr_t>(&Impl::target_read), this},          // NOLINT
        {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<intptr_t>(&Impl::request_ended), this},        // NOLINT
        {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<intptr_t>(&Impl::connection_changed), this},  // NOLINT
    };
    if (limits_.threads > 1)
      options.push_back({MHD_OPTION_THREAD_POOL_SIZE, static_cast<intptr_t>(limits_.threads), nullptr});
    options.push_back({MHD_OPTION_END, 0, nullptr});
    daemon_.reset(MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, &Impl::admits, this, &Impl::answer,
                                   this, MHD_OPTION_ARRAY, options.data(), MHD_OPTION_END));
    if (!daemon_) return false;
    static_cast<void>(own.release());
    watcher_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    return true;
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] Counts counts() const { return connections_.counts(); }

 private:
  [[nodiscard]] int fd() const {
    if (const auto* const at_path = std::get_if<UnixSocket>(&socket_)) return at_path->fd();
    return std::get<Descriptor>(socket_).get();
  }

  void watch(const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      connections_.end_slow_ones(Clock::now());
      pause_.wait_for(lock, stop, kLookPause, [] { return false; });
    }
  }

  // The library's callbacks.
  static MHD_Result admits(void* self, const sockaddr* from, socklen_t /*size*/) {
    return static_cast<Impl*>(self)->connections_.admits(address_of(from)) ? MHD_YES : MHD_NO;
  }

  static void connection_changed(void* self, MHD_Connection* connection, void** /*context*/,
                                 MHD_ConnectionNotificationCode change) {
    auto& all = static_cast<Impl*>(self)->connections_;
    if (change == MHD_CONNECTION_NOTIFY_CLOSED) return all.ended(connection);
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != nullptr) all.began(connection, info->connect_fd, peer_of(connection), Clock::now());
  }

  /// A request, from its first line to the end of its answer.
  struct Pending {
    std::string target;
    bool has_begun = false;
    std::string body;
    bool too_large = false;
  };

  /// The target before the library decodes it. Owned by the request, until it ends.
  static void* target_read(void* /*self*/, const char* target, MHD_Connection* /*connection*/) {
    return new Pending{.target = target, .body = {}};
  }

  static void request_ended(void* self, MHD_Connection* connection, void** context,
                            MHD_RequestTerminationCode /*how*/) {
    delete static_cast<Pending*>(*context);
    *context = nullptr;
    static_cast<Impl*>(self)->connections_.answered(connection, Clock::now());
  }

  /// Called with the header of a request, then again for each part of its body and at its end. An answer to the first call would end the connection,
  /// since the library doesn't read what follows. That is right for a request with a body that nobody here reads.
  static MHD_Result answer(void* self, MHD_Connection* connection, const char* /*path*/, const char* method,
                           const char* /*version*/, const char* body, std::size_t* body_size, void** context) {
    auto& server = *static_cast<Impl*>(self);
    auto* const pending = static_cast<Pending*>(*context);
    if (pending == nullptr) return MHD_NO;
    const auto verb = method_of(method);
    if (!std::exchange(pending->has_begun, true)) {
      const bool is_read = verb == Request::Method::post && may_be_read(connection);
      if (is_read || !has_body(connection)) return MHD_YES;
      pending->too_large = verb == Request::Method::post;
    } else if (*body_size > 0) {
      // There is no answer within a body: the connection of a client that doesn't say how much it sends ends here.
      if (pending->body.size() + *body_size > kLongestBody) return MHD_NO;
      pending->body.append(body, *body_size);
      *body_size = 0;
      return MHD_YES;
    }
    server.connections_.asked(connection);
    const Request request{.method = verb,
                          .target = pending->target,
                          .accept_language = field(connection, MHD_HTTP_HEADER_ACCEPT_LANGUAGE),
                          .if_none_match = field(connection, MHD_HTTP_HEADER_IF_NONE_MATCH),
                          .body = std::move(pending->body),
                          .too_large = pending->too_large,
                          .content_type = field(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
                          .host = field(connection, MHD_HTTP_HEADER_HOST),
                          .origin = field(connection, MHD_HTTP_HEADER_ORIGIN),
                          .fetch_site = field(connection, "Sec-Fetch-Site"),
                          .accept = field(connection, MHD_HTTP_HEADER_ACCEPT),
                          .wants_removal = field(connection, "X-Blowback-Removal"),
                          .forwarded_for = field(connection, "X-Forwarded-For"),
                          .peer = peer_of(connection)};
    const auto response = server.handler_(request);
    const auto made_answer = made(response);
    if (!made_answer) return MHD_NO;
    return MHD_queue_response(connection, static_cast<unsigned>(response.status), made_answer.get());
  }

  Socket socket_;
  Limits limits_;
  Handler handler_;
  Connections connections_;
  std::uint16_t port_ = 0;
  std::condition_variable_any pause_;
  Daemon daemon_;
  std::jthread watcher_;  ///< last: it uses all of the above, and ends first
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

std::uint16_t Server::port() const { return impl_->port(); }
Counts Server::counts() const { return impl_->counts(); }

std::expected<Server, ListenError> Server::open(const config::MetricsEndpoint& endpoint, Limits limits,
                                                Handler handler) {
  const auto started = [&](Impl::Socket socket) -> std::expected<Server, ListenError> {
    auto impl = std::make_unique<Impl>(std::move(socket), std::move(limits), std::move(handler));
    if (!impl->start()) {
      return std::unexpected(
          ListenError{"web.listen: the HTTP server can't start; raise the limits on descriptors and threads"});
    }
    return Server(std::move(impl));
  };
  if (const auto* const path = std::get_if<std::string>(&endpoint)) {
    auto socket = UnixSocket::listen_at(*path, kBacklog, "web.listen");
    if (!socket) return std::unexpected(std::move(socket).error());
    return started(std::move(*socket));
  }
  const auto& place = std::get<config::Endpoint>(endpoint);
  auto socket = listen_on(place.address, place.port, kBacklog, "web.listen");
  if (!socket) return std::unexpected(std::move(socket).error());
  return started(std::move(*socket));
}

}  // namespace blowback::http
