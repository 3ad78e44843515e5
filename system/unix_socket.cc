#include "system/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace blowback {
namespace {

constexpr mode_t kMode = 0660;

[[nodiscard]] std::unexpected<ListenError> failed(const std::string& path, std::string_view what,
                                                  std::string_view remedy) {
  std::string text = path;
  text += ": ";
  text += what;
  text += "; ";
  text += remedy;
  return std::unexpected(ListenError{std::move(text)});
}

[[nodiscard]] std::unexpected<ListenError> refused(const std::string& path, int code, std::string_view key) {
  return failed(path, std::generic_category().message(code),
                "let the program write to that folder, or set " + std::string(key) + " to another path or to \"\"");
}

/// Whether there is a socket at `path`; symbolic links aren't followed. If so, `file` describes it.
[[nodiscard]] bool socket_at(const std::string& path, struct stat& file) {
  return lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

/// Whether nobody listens any more: the kernel refuses connections. It also refuses where the file is no socket at all, which
/// the caller has to rule out. If a program listens and its queue is full, connect(2) reports that without waiting.
[[nodiscard]] bool is_dead(const UnixAddress& address) {
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe.is_open() && connect(probe.get(), address.get(), UnixAddress::size()) != 0 && errno == ECONNREFUSED;
}

}  // namespace

UnixAddress::UnixAddress(std::string_view path) {
  address_.sun_family = AF_UNIX;
  std::memcpy(static_cast<char*>(address_.sun_path), path.data(), path.size());
}

const sockaddr* UnixAddress::get() const {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API has it so
  return reinterpret_cast<const sockaddr*>(&address_);
}

bool remove_dead_socket(const std::string& path) {
  struct stat file{};
  if (!socket_at(path, file)) return true;
  if (!is_dead(UnixAddress(path))) return false;
  unlink(path.c_str());
  return true;
}

std::expected<UnixSocket, ListenError> UnixSocket::listen_at(const std::string& path, int backlog,
                                                             std::string_view key) {
  const std::string name(key);
  if (path.empty() || path.size() > kLongestSocketPath) {
    return failed(path, "is empty, or too long for a unix socket", "set " + name + " to a shorter path");
  }
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.is_open()) return refused(path, errno, key);
  const UnixAddress address(path);
  struct stat file{};
  const auto bound = [&] { return bind(listener.get(), address.get(), UnixAddress::size()) == 0; };
  bool is_bound = bound();
  if (!is_bound && errno == EADDRINUSE) {
    if (!socket_at(path, file)) {
      return failed(path, "exists and is no socket", "set " + name + " to another path, or to \"\"");
    }
    if (!remove_dead_socket(path)) {
      return failed(path, "another program listens there, or the socket belongs to another user",
                    "stop that program or remove the socket, or set " + name + " to another path or to \"\"");
    }
    is_bound = bound();
  }
  if (!is_bound) return refused(path, errno, key);
  // Nobody can connect before listen(), so nobody gets in by the mode that the umask left.
  if (chmod(path.c_str(), kMode) != 0 || listen(listener.get(), backlog) != 0) {
    const int code = errno;
    unlink(path.c_str());
    return refused(path, code, key);
  }
  FileId id;
  if (socket_at(path, file)) id = {.device = file.st_dev, .inode = file.st_ino};
  return UnixSocket(path, std::move(listener), id);
}

UnixSocket& UnixSocket::operator=(UnixSocket&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    listener_ = std::move(other.listener_);
    file_ = other.file_;
  }
  return *this;
}

void UnixSocket::close() {
  if (!listener_.is_open()) return;
  // Before the socket is closed: otherwise another server could take the path over in between, and lose its file.
  struct stat file{};
  if (socket_at(path_, file) && file.st_dev == file_.device && file.st_ino == file_.inode) unlink(path_.c_str());
  listener_.close();
}

}  // namespace blowback
