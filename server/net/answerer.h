// What a worker answers from: the zones, the list, the time and its own rate limit, looked up once per turn instead of once per query.
//
// UDP and TCP both answer by this. One thread at a time: each worker has its own.
#pragma once

#include "answer/answer.h"
#include "answer/rate_limit.h"
#include "net/responders.h"
#include "zone/published.h"

#include <cstdint>
#include <span>

namespace blowback::net {

class Answerer {
 public:
  Answerer(const Responders::Sources& sources, const config::RateLimit& limits);

  /// Switches to the newest zones, list and time. To be called before each batch, and now and then by an idle worker: while it holds an
  /// old list, that list's memory can't be freed.
  void refresh();

  /// Requires that `reply` has room for the largest reply of the transport.
  [[nodiscard]] answer::Answer answer(const answer::Asked& asked, std::span<std::uint8_t> reply) {
    return answer::answer(asked, *zones_, *view_, moment_, limiter(), reply);
  }
  /// The same for many queries; see answer::answer_all.
  void answer_all(std::span<const answer::Asked> asked, std::span<const std::span<std::uint8_t>> replies,
                  std::span<answer::Answer> answers) {
    answer::answer_all(asked, *zones_, *view_, moment_, limiter(), replies, answers);
  }

 private:
  [[nodiscard]] answer::RateLimiter* limiter() { return limiter_.buckets() == 0 ? nullptr : &limiter_; }

  const Responders::Sources& sources_;
  zone::Published<answer::ServedZones>::Reader zones_reader_;
  zone::Published<zone::View>::Reader view_reader_;
  answer::RateLimiter limiter_;
  const answer::ServedZones* zones_ = nullptr;
  const zone::View* view_ = nullptr;
  answer::Moment moment_;
};

}  // namespace blowback::net
