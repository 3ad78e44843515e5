#include "smtp/smtp_feed.h"

#include <utility>

namespace blowback::smtp {

std::expected<std::unique_ptr<SmtpFeed>, feed::FeedError> SmtpFeed::open(ListenerSettings settings) {
  auto listener = Listener::open(std::move(settings));
  if (!listener) return std::unexpected(std::move(listener).error());
  return std::unique_ptr<SmtpFeed>(new SmtpFeed(std::move(*listener)));
}

std::expected<feed::Chunk, feed::FeedError> SmtpFeed::next(const feed::Bounds& bounds) {
  report_storage(false);
  feed::Chunk chunk;
  for (auto& arrived : listener_->take(bounds)) {
    if (arrived.ticket != kNoTicket) waiting_.push_back(arrived.ticket);
    chunk.items.push_back(std::move(arrived.item));
  }
  chunk.drained = chunk.items.empty();
  return chunk;
}

std::expected<void, feed::FeedError> SmtpFeed::committed() {
  report_storage(true);
  return {};
}

void SmtpFeed::report_storage(bool is_stored) {
  if (!waiting_.empty()) listener_->report_storage(std::exchange(waiting_, {}), is_stored);
}

}  // namespace blowback::smtp
