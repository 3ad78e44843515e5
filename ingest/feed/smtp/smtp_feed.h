// A feed whose deliveries arrive by SMTP or LMTP (listener.h).
#pragma once

#include "feed/feed.h"
#include "smtp/listener.h"

#include <expected>
#include <functional>
#include <memory>
#include <set>
#include <vector>

namespace blowback::smtp {

/// The clients of a chunk get 250 after `committed()`. If the next chunk is read or the feed destroyed without that, they get 451 and keep
/// their messages. So it is with requests for removal, whose `answer` must not be called after the feed is destroyed.
class SmtpFeed final : public feed::Feed {
 public:
  /// Listens at once.
  [[nodiscard]] static std::expected<std::unique_ptr<SmtpFeed>, feed::FeedError> open(ListenerSettings settings);

  /// See Listener::prepare. The last chunk isn't affected.
  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(ListenerSettings settings) {
    return listener_->prepare(std::move(settings));
  }

  [[nodiscard]] std::expected<feed::Chunk, feed::FeedError> next(const feed::Bounds& bounds) override;
  [[nodiscard]] std::expected<void, feed::FeedError> committed() override;
  /// See Listener::endpoints.
  [[nodiscard]] std::vector<Endpoint> endpoints() const { return listener_->endpoints(); }
  [[nodiscard]] int wake_fd() const override { return listener_->wake_fd(); }

 private:
  explicit SmtpFeed(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
  void report_storage(bool is_stored);

  std::unique_ptr<Listener> listener_;
  std::vector<Ticket> waiting_;  ///< the clients of the last chunk
  std::set<Ticket> unanswered_;  ///< those of its requests for removal
};

}  // namespace blowback::smtp
