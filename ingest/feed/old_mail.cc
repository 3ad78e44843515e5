// Mail that was taken from a Maildir long ago and still lies in its `cur/`.
#include "feed/feed.h"
#include "system/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <sys/stat.h>
#include <utility>

namespace blowback::feed {

std::expected<std::size_t, FeedError> remove_old_mail(const std::string& maildir, UnixTime before, std::size_t most) {
  const std::string folder = maildir + "/cur";
  const auto failed = [&](const std::string& what) {
    return std::unexpected(
        FeedError{what + ": " + std::strerror(errno) +
                  "; let the user who runs blowback-ingest read the folder and remove files from it"});
  };
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT ? std::expected<std::size_t, FeedError>(0) : failed(folder);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(descriptor), &closedir);
  if (!listing) {
    close(descriptor);
    return failed(folder);
  }
  std::size_t removed = 0;
  while (removed < most) {
    const dirent* const entry = readdir(listing.get());
    if (entry == nullptr) break;
    struct stat status{};
    // Moving a file changes its ctime, so mail that was old when it was read stays as long as any.
    if (fstatat(dirfd(listing.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
      continue;
    if (UnixTime{Duration{std::max(status.st_mtime, status.st_ctime)}} >= before) continue;
    if (unlinkat(dirfd(listing.get()), entry->d_name, 0) == 0) {
      ++removed;
    } else if (errno != ENOENT) {
      return failed(folder + "/" + entry->d_name);
    }
  }
  return removed;
}

}  // namespace blowback::feed
