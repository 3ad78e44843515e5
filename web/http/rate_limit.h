// How often a client may ask. The list itself is asked by DNS; this keeps one client from taking all of the page's time.
#pragma once

#include "blowback/prefix.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>

namespace blowback::http {

/// A bucket of tokens for each client that asked lately: full at first, and refilled within a minute. Safe from any thread.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;
  /// Beyond this number of clients, those whose buckets are full again are forgotten; if none is, a new client isn't limited.
  static constexpr std::size_t kMostClients = 100'000;

  struct Verdict {
    bool allowed = true;
    int left = 0;                   ///< how many more requests are possible now
    std::chrono::seconds reset{0};  ///< until the bucket is full; if not `allowed`, until this request is possible
  };

  /// `per_minute` > 0: tokens in a full bucket.
  [[nodiscard]] Verdict take(const Prefix& client, int tokens, int per_minute, Clock::time_point now);

 private:
  struct Bucket {
    double tokens = 0;
    Clock::time_point at;
  };

  std::mutex mutex_;
  std::map<Prefix, Bucket> buckets_;  ///< ordered: its time doesn't depend on which addresses a stranger chooses
};

}  // namespace blowback::http
