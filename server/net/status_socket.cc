// Taking the path over from a dead server, and handing out documents within their second.
#include "net/status_socket.h"

#include "config/config.h"
#include "sockets.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stop_token>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <thread>
#include <utility>

namespace blowback::net {
namespace {

using Clock = std::chrono::steady_clock;

/// For one reader, from being accepted to having all of it.
constexpr std::chrono::seconds kPatience{1};
/// Before the next attempt to accept, when the process or the system had no descriptor left.
constexpr std::chrono::seconds kRest{1};
/// Readers that may wait for their turn; the operator's tool and a monitor or two.
constexpr int kBacklog = 8;
constexpr mode_t kMode = 0660;

[[nodiscard]] std::unexpected<StatusSocketError> failed(const std::string& path, std::string_view what,
                                                        std::string_view mend) {
  std::string text = path;
  text += ": ";
  text += what;
  text += "; ";
  text += mend;
  return std::unexpected(StatusSocketError{std::move(text)});
}

[[nodiscard]] std::unexpected<StatusSocketError> refused(const std::string& path, int code) {
  return failed(path, std::generic_category().message(code),
                "let the server write to that folder, or set server.status_socket to another path or to \"\"");
}

/// Which file a path stands for.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

/// A socket's file at `path`; nullopt where there is none, or anything else.
[[nodiscard]] std::optional<FileId> socket_at(const std::string& path) {
  struct stat file{};
  if (lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return std::nullopt;
  return FileId{.device = file.st_dev, .inode = file.st_ino};
}

/// Requires that it fits.
[[nodiscard]] sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// The BSD interface takes every family's address as a sockaddr.
[[nodiscard]] bool bound(const Descriptor& socket, const sockaddr_un& address) {
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Whether nobody listens at `address` any more: the kernel refuses. It also refuses where the file is no socket at all,
/// which socket_at has to have told before. Where a living server's queue is full it says that, and doesn't wait.
[[nodiscard]] bool is_dead(const sockaddr_un& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe.get() >= 0 && connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

/// Waits until `fd` is ready for `events`, at most to `deadline`. False: it isn't, or `wake` came first.
[[nodiscard]] bool ready(int fd, short events, int wake, std::optional<Clock::time_point> deadline) {
  while (true) {
    int timeout = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
      if (left <= 0) return false;
      timeout = static_cast<int>(left);
    }
    // A negative descriptor is passed over: then this waits for nothing but `wake`.
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
  Impl(std::string path, Descriptor listener, Descriptor wake, Document document)
      : path_(std::move(path)),
        file_(socket_at(path_)),
        listener_(std::move(listener)),
        wake_(std::move(wake)),
        document_(std::move(document)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    thread_.request_stop();
    thread_.join();
    // While we still listen: no other server takes the path for a dead one's before the file is gone.
    if (file_ && socket_at(path_) == file_) unlink(path_.c_str());
  }

 private:
  void run(const std::stop_token& stop) {
    const std::stop_callback wakes(stop, [this] {
      const std::uint64_t one = 1;
      // An event descriptor takes a 1 unless it holds 2^64-2 of them.
      static_cast<void>(write(wake_.get(), &one, sizeof one));
    });
    while (!stop.stop_requested()) {
      if (!ready(listener_.get(), POLLIN, wake_.get(), std::nullopt)) continue;
      const Descriptor reader(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (reader.get() >= 0) {
        hand_over(reader.get(), document_());
      } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        // Without descriptors the reader goes on waiting, and poll would come back at once, again and again.
        static_cast<void>(ready(-1, 0, wake_.get(), Clock::now() + kRest));
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
      // Asked in any case: who reads an octet at a time has his second, too, and no more.
      if (!document.empty() && !ready(reader, POLLOUT, wake_.get(), deadline)) return;
    }
  }

  std::string path_;
  std::optional<FileId> file_;
  Descriptor listener_;
  Descriptor wake_;
  Document document_;
  std::jthread thread_;  ///< last: it uses all of the above
};

StatusSocket::StatusSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusSocket::StatusSocket(StatusSocket&&) noexcept = default;
StatusSocket& StatusSocket::operator=(StatusSocket&&) noexcept = default;
StatusSocket::~StatusSocket() = default;

std::expected<StatusSocket, StatusSocketError> StatusSocket::open(const std::string& path, Document document) {
  if (path.empty() || path.size() > config::kSocketPathOctets) {
    return failed(path, "is no path, or too long for a unix socket", "set server.status_socket to a shorter one");
  }
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (listener.get() < 0 || wake.get() < 0) return refused(path, errno);
  const auto address = address_of(path);
  bool is_bound = bound(listener, address);
  if (!is_bound && errno == EADDRINUSE) {
    if (!socket_at(path)) {
      return failed(path, "is there, and no socket", "set server.status_socket to another path, or to \"\"");
    }
    if (!is_dead(address)) {
      return failed(path, "another server has it, or one of another user left it",
                    "end or remove that one, or set server.status_socket to another path or to \"\"");
    }
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return refused(path, errno);
    is_bound = bound(listener, address);
  }
  if (!is_bound) return refused(path, errno);
  // Nobody can connect before listen(), so nobody gets in by the mode that the umask left.
  if (chmod(path.c_str(), kMode) != 0 || listen(listener.get(), kBacklog) != 0) {
    const int code = errno;
    unlink(path.c_str());
    return refused(path, code);
  }
  return StatusSocket(std::make_unique<Impl>(path, std::move(listener), std::move(wake), std::move(document)));
}

}  // namespace blowback::net
