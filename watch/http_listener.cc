// One thread with one poll for a few connections: each reads a request, writes the answer, and waits until the client closes.
#include "watch/http_listener.h"

#include "http_request.h"
#include "system/descriptor.h"
#include "system/tcp_socket.h"
#include "system/wake_event.h"
#include "watch/metrics_text.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::watch {
namespace {

using Clock = std::chrono::steady_clock;

/// Connections that may wait to be accepted.
constexpr int kBacklog = 16;
/// The pause before the next attempt to accept if there is no descriptor left.
constexpr std::chrono::seconds kRest{1};
/// Lower priority than the daemon's work; as in server/zone/follower.cc.
constexpr int kNiceness = 10;

[[nodiscard]] std::string reply(std::string_view status, std::string_view type, std::string_view body, bool head_only) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: "
      "close\r\n{}\r\n{}",
      status, type, body.size(), status.starts_with("405") ? "Allow: GET, HEAD\r\n" : "", head_only ? "" : body);
}

[[nodiscard]] std::string plain_reply(std::string_view status, std::string_view body) {
  return reply(status, "text/plain; charset=utf-8", body, false);
}

[[nodiscard]] std::string health_reply(const Health& health, bool head_only) {
  return reply(is_well(health) ? "200 OK" : "503 Service Unavailable", "application/json", to_json(health), head_only);
}

[[nodiscard]] std::string answer_to(const Request& request, const Sources& sources) {
  switch (request.state) {
    case Request::State::unfinished:
    case Request::State::bad:
      break;
    case Request::State::other:
      return plain_reply("405 Method Not Allowed", "only GET and HEAD\n");
    case Request::State::too_large:
      return plain_reply("431 Request Header Fields Too Large", "more than 8 KiB of request\n");
    case Request::State::good:
      if (request.path == "/metrics") return reply("200 OK", kMetricsType, sources.metrics(), request.head_only);
      if (request.path == "/health") return health_reply(sources.health(), request.head_only);
      if (request.path == "/ready") return health_reply(sources.readiness(), request.head_only);
      return plain_reply("404 Not Found", "there are /metrics, /health and /ready\n");
  }
  return plain_reply("400 Bad Request", "not an HTTP/1 request\n");
}

/// Reads a request until it is complete, writes the answer, then waits until the client closes. If the server closed first, with data of the
/// client unread, the kernel would reset the connection, and the client might lose the answer.
class Connection {
 public:
  Connection(Descriptor socket, Clock::time_point until) : socket_(std::move(socket)), until_(until) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] Clock::time_point until() const { return until_; }
  [[nodiscard]] short wants() const { return stage_ == Stage::writing ? POLLOUT : POLLIN; }

  /// Continues as far as possible without waiting. False: the connection is over.
  [[nodiscard]] bool go_on(const Sources& sources) {
    if (stage_ == Stage::reading && !read(sources)) return false;
    if (stage_ == Stage::writing && !write()) return false;
    return stage_ != Stage::closing || drain();
  }

 private:
  enum class Stage : std::uint8_t { reading, writing, closing };

  [[nodiscard]] static bool is_passing(int code) { return code == EAGAIN || code == EINTR; }

  [[nodiscard]] bool read(const Sources& sources) {
    std::array<char, kMostHead> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv
    const auto got = recv(fd(), room.data(), kMostHead - head_.size(), 0);
    if (got == 0) return false;
    if (got < 0) return is_passing(errno);
    head_.append(room.data(), static_cast<std::size_t>(got));
    const auto request = read_request(head_);
    if (request.state == Request::State::unfinished) return true;
    answer_ = answer_to(request, sources);
    stage_ = Stage::writing;
    return true;
  }

  [[nodiscard]] bool write() {
    const auto rest = std::string_view(answer_).substr(written_);
    const auto taken = send(fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (taken < 0) return is_passing(errno);
    written_ += static_cast<std::size_t>(taken);
    if (written_ == answer_.size()) {
      shutdown(fd(), SHUT_WR);
      stage_ = Stage::closing;
    }
    return true;
  }

  [[nodiscard]] bool drain() {
    std::array<char, kMostHead> room;  // NOLINT(cppcoreguidelines-pro-type-member-init): discarded
    const auto got = recv(fd(), room.data(), room.size(), 0);
    drained_ += got > 0 ? static_cast<std::size_t>(got) : 0;
    return got > 0 ? drained_ <= kMostHead * 8 : got < 0 && is_passing(errno);
  }

  Descriptor socket_;
  Clock::time_point until_;
  Stage stage_ = Stage::reading;
  std::string head_;
  std::string answer_;
  std::size_t written_ = 0;
  std::size_t drained_ = 0;
};

}  // namespace

class HttpListener::Impl {
 public:
  using Socket = std::variant<UnixSocket, Descriptor>;
  Impl(Socket socket, WakeEvent wake, Sources sources, Limits limits)
      : socket_(std::move(socket)), wake_(std::move(wake)), sources_(std::move(sources)), limits_(limits) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

 private:
  [[nodiscard]] int listener() const {
    if (const auto* const at_path = std::get_if<UnixSocket>(&socket_)) return at_path->fd();
    return std::get<Descriptor>(socket_).get();
  }

  void run(const std::stop_token& stop) {
    // Linux keeps niceness per thread.
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
    const std::stop_callback wakes(stop, [this] { wake_.wake(); });
    std::vector<pollfd> watched;
    while (!stop.stop_requested()) {
      const auto now = Clock::now();
      std::erase_if(connections_, [&](const Connection& each) { return each.until() <= now; });
      const bool accepts = connections_.size() < limits_.connections && now >= rests_until_;
      watched.assign(1, {.fd = wake_.fd(), .events = POLLIN, .revents = 0});
      // poll ignores a negative descriptor.
      watched.push_back({.fd = accepts ? listener() : -1, .events = POLLIN, .revents = 0});
      for (const auto& each : connections_) watched.push_back({.fd = each.fd(), .events = each.wants(), .revents = 0});
      if (poll(watched.data(), watched.size(), timeout(now)) <= 0) continue;
      std::size_t place = 2;
      std::erase_if(connections_,
                    [&](Connection& each) { return watched[place++].revents != 0 && !each.go_on(sources_); });
      if (watched[1].revents != 0) accept_one();
    }
  }

  /// Milliseconds until the next deadline; -1: there is none.
  [[nodiscard]] int timeout(Clock::time_point now) const {
    auto soonest = rests_until_ > now ? rests_until_ : Clock::time_point::max();
    for (const auto& each : connections_) soonest = std::min(soonest, each.until());
    if (soonest == Clock::time_point::max()) return -1;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(soonest - now).count());
  }

  void accept_one() {
    Descriptor accepted(accept4(listener(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const auto now = Clock::now();
    if (accepted.get() >= 0) {
      connections_.emplace_back(std::move(accepted), now + limits_.patience);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      // Without a free descriptor the connection stays in the queue, and poll would return at once, again and again.
      rests_until_ = now + kRest;
    }
  }

  Socket socket_;
  WakeEvent wake_;
  Sources sources_;
  Limits limits_;
  std::vector<Connection> connections_;  ///< for the thread only
  Clock::time_point rests_until_;        ///< likewise
  std::jthread thread_;                  ///< last: it uses all of the above
};

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpListener::HttpListener(HttpListener&&) noexcept = default;
HttpListener& HttpListener::operator=(HttpListener&&) noexcept = default;
HttpListener::~HttpListener() = default;

std::expected<HttpListener, ListenError> HttpListener::open(const config::MetricsEndpoint& endpoint,
                                                            const std::string& key, Sources sources, Limits limits) {
  WakeEvent wake;
  if (!wake.is_open()) return std::unexpected(ListenError{"no more descriptors: raise the limit (LimitNOFILE=)"});
  if (const auto* const path = std::get_if<std::string>(&endpoint)) {
    auto socket = UnixSocket::listen_at(*path, kBacklog, key);
    if (!socket) return std::unexpected(std::move(socket).error());
    return HttpListener(std::make_unique<Impl>(std::move(*socket), std::move(wake), std::move(sources), limits));
  }
  const auto& place = std::get<config::Endpoint>(endpoint);
  auto socket = listen_on(place.address, place.port, kBacklog, key);
  if (!socket) return std::unexpected(std::move(socket).error());
  return HttpListener(std::make_unique<Impl>(std::move(*socket), std::move(wake), std::move(sources), limits));
}

std::expected<HttpListener, ListenError> HttpListener::open(const config::MetricsEndpoint& endpoint,
                                                            const std::string& key, Sources sources) {
  return open(endpoint, key, std::move(sources), Limits{});
}

}  // namespace blowback::watch
