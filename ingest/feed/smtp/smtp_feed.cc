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
  for (const auto ticket : std::exchange(unanswered_, {})) {
    listener_->answer(ticket, "451 4.3.0 The request can't be answered now; try again later");
  }
  feed::Chunk chunk;
  for (auto& arrived : listener_->take(bounds)) {
    if (arrived.ticket != kNoTicket) waiting_.push_back(arrived.ticket);
    chunk.items.push_back(std::move(arrived.item));
  }
  for (auto& [ticket, removal] : listener_->take_removals(bounds.items)) {
    chunk.removals.push_back({.client = removal.client,
                              .at = removal.at,
                              .header = std::move(removal.header),
                              .answer = [this, ticket](std::string reply) {
                                unanswered_.erase(ticket);
                                listener_->answer(ticket, std::move(reply));
                              }});
    unanswered_.insert(ticket);
  }
  chunk.drained = chunk.items.empty() && chunk.removals.empty();
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
