// The feed that watches a mail server which the operator runs already, as one of its milters.
//
// Mail isn't refused, delayed or changed by it. What it tells of are transactions that named a trap, and sender callouts.
#pragma once

#include "feed/feed.h"
#include "milter/frame.h"

#include <expected>
#include <memory>

namespace blowback::milter {

/// Starts a process that has libmilter (watcher.h), and waits until it listens. The mail server waits at the end of a message for
/// `committed()`, ten seconds at most. When the process dies that is a FeedError; opening the feed anew starts another. With the feed
/// the process goes.
[[nodiscard]] std::expected<std::unique_ptr<feed::Feed>, feed::FeedError> open_milter(const Setup& setup);

}  // namespace blowback::milter
