#include "feed/old_mail.h"

#include "system/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <utility>

namespace blowback::feed {
namespace {

/// Files between two checks of the time. On a slow disk each takes a seek.
constexpr std::size_t kHandful = 32;

[[nodiscard]] FeedError failure(const std::string& what) {
  return {what + ": " + std::strerror(errno) +
          "; let the user who runs blowback-ingest read the folder and remove files from it"};
}

}  // namespace

std::expected<OldMailPass::Step, FeedError> OldMailPass::go_on(UnixTime before, Steady until) {
  Step step;
  if (!listing_) {
    Descriptor descriptor(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!descriptor.is_open()) {
      if (errno != ENOENT) return std::unexpected(failure(folder_));
      step.at_end = true;
      return step;
    }
    listing_.reset(fdopendir(descriptor.get()));
    if (!listing_) return std::unexpected(failure(folder_));
    static_cast<void>(descriptor.release());  // the listing owns it
  }
  const int folder = dirfd(listing_.get());
  for (std::size_t looked = 1;; ++looked) {
    const dirent* const entry = readdir(listing_.get());
    if (entry == nullptr) {
      listing_.reset();
      step.at_end = true;
      return step;
    }
    struct stat status{};
    // The ctime, which a move changes: mail that was old when it was read is kept as long as any other.
    const bool is_old = fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
                        UnixTime{Duration{std::max(status.st_mtime, status.st_ctime)}} < before;
    if (is_old && unlinkat(folder, entry->d_name, 0) == 0) {
      ++step.removed;
    } else if (is_old && errno != ENOENT) {
      auto error = failure(folder_ + "/" + entry->d_name);
      listing_.reset();
      return std::unexpected(std::move(error));
    }
    if (looked % kHandful == 0 && std::chrono::steady_clock::now() >= until) return step;
  }
}

}  // namespace blowback::feed
