#include "http/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace blowback::http {

RateLimit::Verdict RateLimit::take(const Prefix& client, int tokens, int per_minute, Clock::time_point now) {
  const double full = per_minute;
  const double per_second = full / 60;
  const auto filled = [&](const Bucket& bucket) {
    const double seconds = std::chrono::duration<double>(now - bucket.at).count();
    return std::min(full, bucket.tokens + std::max(seconds, 0.0) * per_second);
  };
  const std::scoped_lock lock(mutex_);
  auto found = buckets_.find(client);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMostClients) {
      std::erase_if(buckets_, [&](const auto& one) { return filled(one.second) >= full; });
      if (buckets_.size() >= kMostClients) return {.allowed = true, .left = per_minute};
    }
    found = buckets_.emplace(client, Bucket{.tokens = full, .at = now}).first;
  }
  auto& bucket = found->second;
  bucket = {.tokens = filled(bucket), .at = now};
  // A request that costs more than a full bucket is possible with a full one.
  const double cost = std::min<double>(tokens, full);
  const auto seconds_until = [&](double amount) {
    return std::chrono::seconds(static_cast<long>(std::ceil((amount - bucket.tokens) / per_second)));
  };
  if (bucket.tokens < cost) return {.allowed = false, .left = 0, .reset = seconds_until(cost)};
  bucket.tokens -= cost;
  return {.allowed = true, .left = static_cast<int>(bucket.tokens), .reset = seconds_until(full)};
}

}  // namespace blowback::http
