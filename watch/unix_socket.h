// A listening unix socket at a path: the place of a dead server is taken over, a living one's is left alone.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace blowback::watch {

struct ListenError {
  std::string text;  ///< with the path or the endpoint, and the way out
};

class UnixSocket {
 public:
  /// Listens at `path`, mode 0660, non-blocking, with at most `backlog` that wait. A socket that a dead server left there is
  /// replaced. Fails where a living one has it, where anything else lies at `path`, where `path` is empty or longer than
  /// config::kSocketPathOctets, and where the system refuses it. `key`: what the config calls it, for the way out.
  [[nodiscard]] static std::expected<UnixSocket, ListenError> listen_at(const std::string& path, int backlog,
                                                                        std::string_view key);
  UnixSocket(UnixSocket&& other) noexcept;
  UnixSocket& operator=(UnixSocket&& other) noexcept;
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;
  /// Removes the file, if it still is the one that was made, and closes.
  ~UnixSocket();

  [[nodiscard]] int fd() const { return fd_; }

 private:
  /// Which file a path stands for.
  struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
  };
  UnixSocket(std::string path, int fd, FileId file) : path_(std::move(path)), fd_(fd), file_(file) {}

  std::string path_;
  int fd_ = -1;
  FileId file_;
};

}  // namespace blowback::watch
