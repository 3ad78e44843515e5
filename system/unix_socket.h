// Unix sockets at a path: how a program listens there, and what it does when the file is there already.
//
// The kernel leaves the file behind when the program that made it is killed. Such a dead socket is replaced; one on which a program listens,
// and any other file, is left alone.
#pragma once

#include "system/descriptor.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <utility>

namespace blowback {

/// The longest path that an address holds, in bytes, without the zero byte at its end (unix(7)).
inline constexpr std::size_t kLongestSocketPath = sizeof(sockaddr_un::sun_path) - 1;

/// The address of a socket at a path.
class UnixAddress {
 public:
  /// Requires that `path` isn't longer than kLongestSocketPath.
  explicit UnixAddress(std::string_view path);
  [[nodiscard]] const sockaddr* get() const;
  [[nodiscard]] static socklen_t size() { return sizeof(sockaddr_un); }

 private:
  sockaddr_un address_{};
};

/// Removes the socket at `path` if no program listens on it any more. False: a program listens, or might: this process isn't allowed to
/// connect. True also where there is no socket; the caller's bind(2) then finds out whether it can have the path.
/// Requires that `path` isn't longer than kLongestSocketPath.
[[nodiscard]] bool remove_dead_socket(const std::string& path);

struct ListenError {
  std::string text;  ///< names the path or endpoint, and what to do
};

/// A listening socket, and the file that belongs to it.
class UnixSocket {
 public:
  /// Listens at `path`, mode 0660, non-blocking, with a queue of `backlog` connections. A dead socket at `path` is replaced.
  /// Fails if a program listens there, if another kind of file is there, if `path` is empty or longer than kLongestSocketPath, and if
  /// the system refuses it. `key`: the config key of the path, for the error's text.
  [[nodiscard]] static std::expected<UnixSocket, ListenError> listen_at(const std::string& path, int backlog,
                                                                        std::string_view key);
  UnixSocket(UnixSocket&& other) noexcept = default;
  UnixSocket& operator=(UnixSocket&& other) noexcept;
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;
  /// Removes the file, unless another one has replaced it, and closes the socket.
  ~UnixSocket() { close(); }

  [[nodiscard]] int fd() const { return listener_.get(); }

 private:
  /// Identifies a file whatever its path.
  struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
  };
  UnixSocket(std::string path, Descriptor listener, FileId file)
      : path_(std::move(path)), listener_(std::move(listener)), file_(file) {}
  void close();

  std::string path_;
  Descriptor listener_;
  FileId file_;
};

}  // namespace blowback
