// Removes mail that was taken from a Maildir long ago and still lies in its `cur/`: a bit at a time, since there may be millions.
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

/// One thread. Holds the folder open from its first step to the end of the pass.
class OldMailPass {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  explicit OldMailPass(const std::string& maildir) : folder_(maildir + "/cur") {}

  struct Step {
    std::size_t removed = 0;
    bool at_end = false;  ///< all was looked at; the next step begins anew
  };
  /// Looks at what comes next in the folder, for some files at least and then until it is `until`, and removes files that were last
  /// changed or moved before `before`. Symbolic links aren't followed, and nothing but regular files is removed. An error ends the pass.
  [[nodiscard]] std::expected<Step, FeedError> go_on(UnixTime before, Steady until);

 private:
  struct Close {
    void operator()(DIR* listing) const { closedir(listing); }
  };

  std::string folder_;
  std::unique_ptr<DIR, Close> listing_;  ///< nullptr: the pass hasn't begun
};

}  // namespace blowback::feed
