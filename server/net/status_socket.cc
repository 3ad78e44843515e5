#include "net/status_socket.h"

#include "system/descriptor.h"
#include "system/wake_event.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace blowback::net {
namespace {

using Clock = std::chrono::steady_clock;

/// The time that a reader has for the document.
constexpr std::chrono::seconds kPatience{1};
/// The pause before the next attempt to accept if there is no descriptor left.
constexpr std::chrono::seconds kRest{1};
/// Readers that may wait: the operator's tool, and a monitor or two.
constexpr int kBacklog = 8;

/// Waits until `fd` is ready for `events`, at most until `deadline`. False: it isn't, or `wake` became readable first.
[[nodiscard]] bool ready(int fd, short events, int wake, std::optional<Clock::time_point> deadline) {
  while (true) {
    int timeout = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      if (left <= 0) return false;
      timeout = static_cast<int>(left);
    }
    // poll ignores a negative descriptor: then this waits for `wake` only.
    std::array<pollfd, 2> watched{
        {{.fd = wake, .events = POLLIN, .revents = 0}, {.fd = fd, .events = events, .revents = 0}}};
    const int count = poll(watched.data(), watched.size(), timeout);
    if (watched[0].revents != 0 || (count < 0 && errno != EINTR)) return false;
    if (watched[1].revents != 0) return true;
  }
}

}  // namespace

class StatusSocket::Impl {
 public:
  Impl(UnixSocket listener, WakeEvent wake, Document document)
      : listener_(std::move(listener)),
        wake_(std::move(wake)),
        document_(std::move(document)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  void run(const std::stop_token& stop) {
    const std::stop_callback wakes(stop, [this] { wake_.wake(); });
    while (!stop.stop_requested()) {
      if (!ready(listener_.fd(), POLLIN, wake_.fd(), std::nullopt)) continue;
      const Descriptor reader(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (reader.get() >= 0) {
        hand_over(reader.get(), document_());
      } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        // Without a free descriptor the connection stays in the queue, and poll would return at once, again and again.
        static_cast<void>(ready(-1, 0, wake_.fd(), Clock::now() + kRest));
      }
    }
  }

  void hand_over(int reader, std::string_view document) const {
    const auto deadline = Clock::now() + kPatience;
    while (!document.empty()) {
      const auto taken = send(reader, document.data(), document.size(), MSG_NOSIGNAL);
      if (taken > 0) {
        document.remove_prefix(static_cast<std::size_t>(taken));
      } else if (taken < 0 && errno != EAGAIN && errno != EINTR) {
        return;
      }
      // Checked even after progress: a reader that reads octet by octet has the same limit.
      if (!document.empty() && !ready(reader, POLLOUT, wake_.fd(), deadline)) return;
    }
  }

  UnixSocket listener_;
  WakeEvent wake_;
  Document document_;
  std::jthread thread_;  ///< last: it uses all of the above
};

StatusSocket::StatusSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusSocket::StatusSocket(StatusSocket&&) noexcept = default;
StatusSocket& StatusSocket::operator=(StatusSocket&&) noexcept = default;
StatusSocket::~StatusSocket() = default;

std::expected<StatusSocket, ListenError> StatusSocket::open(const std::string& path, Document document) {
  WakeEvent wake;
  if (!wake.is_open()) return std::unexpected(ListenError{"no more descriptors: raise the limit (LimitNOFILE=)"});
  auto listener = UnixSocket::listen_at(path, kBacklog, "server.status_socket");
  if (!listener) return std::unexpected(std::move(listener).error());
  return StatusSocket(std::make_unique<Impl>(std::move(*listener), std::move(wake), std::move(document)));
}

}  // namespace blowback::net
