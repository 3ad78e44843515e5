// The feed that answers the door: what arrives by SMTP or LMTP, as the ingest loop takes it.
#pragma once

#include "feed/feed.h"
#include "smtp/listener.h"

#include <expected>
#include <functional>
#include <memory>
#include <vector>

namespace blowback::smtp {

/// A client's message is answered by 250 after `committed()`. A chunk that was taken and never committed before the next is taken, or
/// before the feed goes, is answered by 451, and the client keeps it.
class SmtpFeed final : public feed::Feed {
 public:
  /// Listens at once.
  [[nodiscard]] static std::expected<std::unique_ptr<SmtpFeed>, feed::FeedError> open(ListenerSettings settings);

  /// See Listener::prepare. The chunk that was taken last isn't concerned.
  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(ListenerSettings settings) {
    return listener_->prepare(std::move(settings));
  }

  [[nodiscard]] std::expected<feed::Chunk, feed::FeedError> next(const feed::Bounds& bounds) override;
  [[nodiscard]] std::expected<void, feed::FeedError> committed() override;
  [[nodiscard]] int wake_fd() const override { return listener_->wake_fd(); }

 private:
  explicit SmtpFeed(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
  void settle(bool stored);

  std::unique_ptr<Listener> listener_;
  std::vector<Listener::Ticket> waiting_;
};

}  // namespace blowback::smtp
