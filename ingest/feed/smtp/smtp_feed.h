// The feed that answers the door: what arrives by SMTP or LMTP, as the ingest loop takes it.
#pragma once

#include "feed/feed.h"
#include "smtp/listener.h"

#include <expected>
#include <memory>

namespace blowback::smtp {

/// Listens at once. A client's message is answered by 250 after `committed()`. A chunk that was taken and never committed before the next
/// is taken, or before the feed goes, is answered by 451, and the client keeps it.
[[nodiscard]] std::expected<std::unique_ptr<feed::Feed>, feed::FeedError> open_smtp(ListenerSettings settings);

}  // namespace blowback::smtp
