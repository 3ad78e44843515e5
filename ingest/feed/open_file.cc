#include "open_file.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

namespace blowback::feed {

Writers writers_of(int fd) {
  // If a writer opens the file while we hold the lease, the kernel sends us a signal: SIGIO, which would end the process, unless another one
  // is set. SIGURG is ignored by default.
  if (fcntl(fd, F_SETSIG, SIGURG) != 0) return Writers::unknown;
  if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return Writers::none;
  }
  return errno == EAGAIN ? Writers::some : Writers::unknown;
}

Duration time_since_change(const struct stat& file) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return now - changed_at(file);
}

UnixTime changed_at(const struct stat& file) { return UnixTime(std::chrono::seconds(file.st_mtim.tv_sec)); }

std::int64_t change_stamp(const struct stat& file) {
  return static_cast<std::int64_t>(file.st_mtim.tv_sec) * 1'000'000'000 + file.st_mtim.tv_nsec;
}

std::string file_type(const struct stat& file) {
  switch (file.st_mode & S_IFMT) {
    case S_IFDIR:
      return "directory";
    case S_IFIFO:
      return "FIFO";
    case S_IFLNK:
      return "symbolic link";
    case S_IFSOCK:
      return "socket";
    case S_IFREG:
      return "regular file";
    default:
      return "device";
  }
}

bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS; }

std::string system_text(int error) { return std::generic_category().message(error); }

}  // namespace blowback::feed
