// Response rate limiting (RRL): a flood of queries with one forged source address gets few answers, so that the server is of no use
// for flooding the real owner of that address.
//
// Each worker has its own, of fixed size; time is an argument. Only for UDP: over TCP, and with a valid DNS cookie, the client's address
// can't be forged, and its answers aren't counted.
//
// There is a token bucket per source prefix and class of answer. It holds the answers of one second, is full at first, and fills at the
// configured rate. Names have no buckets of their own: otherwise a query for each of N listed names would get N times the limit. Unlike
// in BIND there are no debts: a flood that goes on gets the configured rate, not nothing.
//
// What an attacker can do who forges source addresses:
// - From one prefix he gets `responses` answers per second of each class, in the first second twice that, and beyond it only slipped
//   ones, as long as the question. All this times the number of workers, since each counts for itself.
// - From many prefixes he gets as much for each. A limit per prefix doesn't limit the sum, but that doesn't help against one victim.
// - He can't make the table grow. If all four places of a set are in use, a new bucket replaces the one that is nearest to being full,
//   which loses the least: many sources with few queries don't displace one that floods. If more buckets are flooded than the
//   table holds, some are lost and begin full again: then too many queries are answered, never too few.
// - He can't choose with which prefixes he shares a set, since the place is a keyed hash.
// - He can empty the bucket of a prefix that he forges. Its real resolvers then get slipped answers, which make them ask over TCP,
//   or full ones if they send cookies. With `slip` 0 those without cookies get nothing.
#pragma once

#include "answer/access.h"
#include "blowback/ip_address.h"
#include "config/config.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace blowback::answer {

enum class AnswerClass : std::uint8_t { positive, nodata, nxdomain, error };

enum class Verdict : std::uint8_t {
  answer,  ///< within the limit
  slip,    ///< beyond it: sent empty and truncated (TC), so that a real client asks again over TCP
  drop,    ///< beyond it: no reply
};

/// One thread at a time.
class RateLimiter {
 public:
  using Key = std::array<std::uint8_t, 16>;

  /// `key` must come from the system's random source; workers may share it. Allocates `limits.table` buckets, rounded up to a
  /// multiple of four, or none if `limits.responses` is 0. Requires the ranges of config.h, except that a table may have any size
  /// from 1 on.
  RateLimiter(const config::RateLimit& limits, const Key& key);

  /// Counts an answer that is about to be sent, and decides whether it is. `now` is the time since a fixed instant, and isn't negative; if
  /// it is stepped back, buckets only fill later. Allocates nothing. Costs a SipHash and a cache line; tests/bench/guards.cc prints it.
  [[nodiscard]] Verdict account(const IpAddress& client, AnswerClass answer_class, std::chrono::milliseconds now);

  /// 0: there is no limit.
  [[nodiscard]] std::size_t buckets() const { return sets_.size() * kWays; }

 private:
  // A token bucket as one number: the instant at which it will be full if no more answers are counted. Each answer delays that by
  // 1/rate; there is a token left while the instant is at most a second ahead. So nothing has to fill buckets in the background, and a
  // new bucket is one that has always been full. Instants are in units of 1/(1000 rate) of a second, in which both a
  // millisecond and an answer are whole numbers: no division, no rounding.
  struct Bucket {
    std::uint64_t full_at = 0;
    std::uint32_t tag = 0;      // the half of the hash that doesn't select the set
    std::uint32_t limited = 0;  // answers since the last one that slipped
  };
  static constexpr std::size_t kWays = 4;
  struct alignas(64) Set {
    std::array<Bucket, kWays> buckets;
  };
  /// The octets of an address as two numbers in the machine's byte order; only to be masked and hashed.
  struct Halves {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
  };

  [[nodiscard]] static Halves halves_of(const IpAddress::Octets& octets);
  [[nodiscard]] static Halves mask_of(int bits);
  [[nodiscard]] std::uint64_t hash_of(const IpAddress& client, AnswerClass answer_class) const;
  [[nodiscard]] Bucket& bucket_of(std::uint64_t hash);

  std::uint64_t rate_;
  std::uint32_t slip_;
  Halves mask_v4_;
  Halves mask_v6_;
  Key key_;
  PrefixSet exempt_;
  std::vector<Set> sets_;
};

}  // namespace blowback::answer
