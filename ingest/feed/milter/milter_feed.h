// The feed that watches a mail server which the operator runs already, as one of its milters.
//
// Mail isn't refused, delayed or changed by it. What it tells of are transactions that named a trap, and sender callouts.
#pragma once

#include "feed/feed.h"
#include "milter/frame.h"

#include <expected>
#include <memory>

namespace blowback::milter {

class MilterFeed : public feed::Feed {
 public:
  /// Starts a process that has libmilter (watcher.h), and waits until it listens. The mail server waits at the end of a message for
  /// `committed()`, ten seconds at most. When the process dies that is a FeedError; opening the feed anew starts another. With the feed
  /// the process goes.
  [[nodiscard]] static std::expected<std::unique_ptr<MilterFeed>, feed::FeedError> open(const Setup& setup);

  /// Has the process go by other settings from the next session on; it listens all the while. A process that is gone tells at the next
  /// `next()`. Requires that `listen` and `memory` are as they were.
  virtual void change(const Setup& setup) = 0;
};

}  // namespace blowback::milter
