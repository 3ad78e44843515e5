// Removes old mail from a Maildir's `cur/`, in steps, since there may be millions of files.
#pragma once

#include "blowback/unix_time.h"
#include "feed/feed.h"

#include <dirent.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>

namespace blowback::feed {

/// One thread at a time. Holds the folder open from its first step to the end of the pass.
class OldMailPass {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  explicit OldMailPass(const std::string& maildir) : folder_(maildir + "/cur") {}

  struct Step {
    std::size_t removed = 0;
    bool at_end = false;  ///< the pass is complete; the next step begins another one
  };
  /// Continues the pass until the time `until`, but for some files at least, and removes those that were last changed or moved before
  /// `before`. Symbolic links aren't followed, and only regular files are removed. An error ends the pass.
  [[nodiscard]] std::expected<Step, FeedError> go_on(UnixTime before, Steady until);

 private:
  struct Close {
    void operator()(DIR* listing) const { closedir(listing); }
  };

  std::string folder_;
  std::unique_ptr<DIR, Close> listing_;  ///< nullptr: the pass hasn't begun
};

}  // namespace blowback::feed
