// Between the listener's thread and the loop: chunks out, fates back.
#include "smtp/smtp_feed.h"

#include <utility>
#include <vector>

namespace blowback::smtp {
namespace {

class SmtpFeed final : public feed::Feed {
 public:
  explicit SmtpFeed(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}

  [[nodiscard]] std::expected<feed::Chunk, feed::FeedError> next(const feed::Bounds& bounds) override {
    settle(false);
    feed::Chunk chunk;
    for (auto& arrived : listener_->take(bounds)) {
      if (arrived.ticket != Listener::kNobody) waiting_.push_back(arrived.ticket);
      chunk.items.push_back(std::move(arrived.item));
    }
    chunk.drained = chunk.items.empty();
    return chunk;
  }

  [[nodiscard]] std::expected<void, feed::FeedError> committed() override {
    settle(true);
    return {};
  }

  [[nodiscard]] int wake_fd() const override { return listener_->wake_fd(); }

 private:
  void settle(bool stored) {
    if (!waiting_.empty()) listener_->settle(std::exchange(waiting_, {}), stored);
  }

  std::unique_ptr<Listener> listener_;
  std::vector<Listener::Ticket> waiting_;
};

}  // namespace

std::expected<std::unique_ptr<feed::Feed>, feed::FeedError> open_smtp(ListenerSettings settings) {
  auto listener = Listener::open(std::move(settings));
  if (!listener) return std::unexpected(std::move(listener).error());
  return std::make_unique<SmtpFeed>(std::move(*listener));
}

}  // namespace blowback::smtp
