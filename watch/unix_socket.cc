// Taking a path over from a dead server, and from nobody else.
#include "watch/unix_socket.h"

#include "config/config.h"
#include "system/descriptor.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <utility>

namespace blowback::watch {
namespace {

constexpr mode_t kMode = 0660;

[[nodiscard]] std::unexpected<ListenError> failed(const std::string& path, std::string_view what,
                                                  std::string_view mend) {
  std::string text = path;
  text += ": ";
  text += what;
  text += "; ";
  text += mend;
  return std::unexpected(ListenError{std::move(text)});
}

[[nodiscard]] std::unexpected<ListenError> refused(const std::string& path, int code, std::string_view key) {
  return failed(path, std::generic_category().message(code),
                "let the program write to that folder, or set " + std::string(key) + " to another path or to \"\"");
}

/// A socket's file at `path`; false where there is none, or anything else.
[[nodiscard]] bool socket_at(const std::string& path, struct stat& file) {
  return lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
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

}  // namespace

std::expected<UnixSocket, ListenError> UnixSocket::listen_at(const std::string& path, int backlog,
                                                             std::string_view key) {
  const std::string name(key);
  if (path.empty() || path.size() > config::kSocketPathOctets) {
    return failed(path, "is no path, or too long for a unix socket", "set " + name + " to a shorter one");
  }
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) return refused(path, errno, key);
  const auto address = address_of(path);
  struct stat file{};
  bool is_bound = bound(listener, address);
  if (!is_bound && errno == EADDRINUSE) {
    if (!socket_at(path, file)) {
      return failed(path, "is there, and no socket", "set " + name + " to another path, or to \"\"");
    }
    if (!is_dead(address)) {
      return failed(path, "another server has it, or one of another user left it",
                    "end or remove that one, or set " + name + " to another path or to \"\"");
    }
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return refused(path, errno, key);
    is_bound = bound(listener, address);
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
  return UnixSocket(path, listener.release(), id);
}

UnixSocket::UnixSocket(UnixSocket&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), file_(other.file_) {}

UnixSocket& UnixSocket::operator=(UnixSocket&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(file_, other.file_);
  return *this;
}

UnixSocket::~UnixSocket() {
  if (fd_ < 0) return;
  // While we still listen: no other server takes the path for a dead one's before the file is gone.
  struct stat file{};
  if (socket_at(path_, file) && file.st_dev == file_.device && file.st_ino == file_.inode) unlink(path_.c_str());
  close(fd_);
}

}  // namespace blowback::watch
