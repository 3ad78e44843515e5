// A feed that watches the operator's own mail server, as one of its milters.
//
// It doesn't refuse or change mail. It delivers messages to traps, and sender callouts.
#pragma once

#include "feed/feed.h"
#include "milter/frame.h"

#include <expected>
#include <memory>

namespace blowback::milter {

class MilterFeed : public feed::Feed {
 public:
  /// Starts a process that runs libmilter (watcher.h), and waits until it listens. At the end of a message to a trap the mail server waits for
  /// `committed()`, ten seconds at most. If the process dies, `next` fails; opening the feed again starts another one. The process ends with
  /// the feed.
  [[nodiscard]] static std::expected<std::unique_ptr<MilterFeed>, feed::FeedError> open(const Setup& setup);

  /// Applies other settings to later sessions, without an interruption. If the process is gone, the next `next()` fails. Requires that
  /// `listen` and `memory` are unchanged.
  virtual void change(const Setup& setup) = 0;
};

}  // namespace blowback::milter
