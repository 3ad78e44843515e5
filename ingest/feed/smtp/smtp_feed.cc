// Between the listener's thread and the loop: chunks out, fates back.
#include "smtp/smtp_feed.h"

#include <utility>

namespace blowback::smtp {

std::expected<std::unique_ptr<SmtpFeed>, feed::FeedError> SmtpFeed::open(ListenerSettings settings) {
  auto listener = Listener::open(std::move(settings));
  if (!listener) return std::unexpected(std::move(listener).error());
  return std::unique_ptr<SmtpFeed>(new SmtpFeed(std::move(*listener)));
}

std::expected<feed::Chunk, feed::FeedError> SmtpFeed::next(const feed::Bounds& bounds) {
  settle(false);
  feed::Chunk chunk;
  for (auto& arrived : listener_->take(bounds)) {
    if (arrived.ticket != Listener::kNobody) waiting_.push_back(arrived.ticket);
    chunk.items.push_back(std::move(arrived.item));
  }
  chunk.drained = chunk.items.empty();
  return chunk;
}

std::expected<void, feed::FeedError> SmtpFeed::committed() {
  settle(true);
  return {};
}

void SmtpFeed::settle(bool stored) {
  if (!waiting_.empty()) listener_->settle(std::exchange(waiting_, {}), stored);
}

}  // namespace blowback::smtp
