// Response rate limiting (RRL): a flood of queries with one forged source gets few answers, so that we are no use for
// flooding whoever really has that address.
//
// Of a worker's own, in fixed memory; time comes in as a value. For UDP alone: by TCP, and with a good DNS cookie, the
// client's address is no forgery, and its answers aren't accounted.
//
// What is limited: a bucket per source prefix and class of answer, for positive answers also per name. A bucket holds a
// second's worth of answers, is full at first, and fills at the configured rate. Unlike BIND's it has no debts: a flood
// that goes on gets the configured rate, not nothing.
//
// What an attacker can and can't do who forges sources:
// - From one prefix: per second `responses` answers of each class, and in the first second twice that; beyond it only what
//   slips, a question sent back. All that times the workers, since each counts for itself. And each listed name has a bucket
//   of its own for its positive answers, so who asks for N listed names gets N times `responses` of them. A caller who
//   doesn't want that gives all names the same `name_hash`.
// - From many prefixes: as much from each. No limit per prefix holds down their sum; against one victim that is no use.
// - He can't make the table grow. When all four places of a set are in use, a new bucket takes that which is nearest to being
//   full, and so forgets least: many sources that ask little don't drive out one that floods. With more flooded buckets than
//   the table holds some are forgotten and begin full. Too much is answered then, never too little.
// - He can't choose whom he shares a set with, since places go by a keyed hash.
// - He can use up the bucket of a prefix that he forges. Its true resolvers are then served by slipped answers, which tell
//   them to ask by TCP, or by the cookies that they send. With `slip` 0 those without cookies get nothing.
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
  slip,    ///< beyond it, and goes out empty and truncated (TC), so that a true client asks again by TCP
  drop,    ///< beyond it: silence
};

/// One thread at a time.
class RateLimiter {
 public:
  using Key = std::array<std::uint8_t, 16>;

  /// `key` must come from the system's random source; workers may share it. Takes `limits.table` buckets, rounded up to a
  /// multiple of four, or none where `limits.responses` is 0. Requires what config.h says of the ranges, save that a table
  /// may have any size from 1 on.
  RateLimiter(const config::RateLimit& limits, const Key& key);

  /// Counts an answer that is about to be sent, and says what becomes of it. `name_hash`: of the name that was asked for, in
  /// lower case, by any hash; heeded for positive answers alone. It needs no key of its own: who makes names collide shares
  /// a bucket among them, and gets less. `now` is the time since any instant that stays the same, and isn't negative; stepped
  /// back it only delays the filling. Allocates nothing. Costs a SipHash and a cache line; tests/bench/guards.cc prints it.
  [[nodiscard]] Verdict account(const IpAddress& client, AnswerClass answer_class, std::uint64_t name_hash,
                                std::chrono::milliseconds now);

  /// 0: there is no limit.
  [[nodiscard]] std::size_t buckets() const { return sets_.size() * kWays; }

 private:
  // A token bucket as one number: the instant at which it will be full, if nothing more is taken. Each answer puts that off
  // by 1/rate, and there is one left as long as it is at most a second ahead. So nothing is filled in the background, and a
  // bucket that was never used needs no mark: it was full since ever. The instants count 1/(1000 rate) of a second, in
  // which both a millisecond and an answer are whole numbers: no division, no rounding.
  struct Bucket {
    std::uint64_t full_at = 0;
    std::uint32_t tag = 0;      // the half of the hash that didn't choose the set
    std::uint32_t limited = 0;  // answers since the last that slipped
  };
  static constexpr std::size_t kWays = 4;
  struct alignas(64) Set {
    std::array<Bucket, kWays> buckets;
  };
  /// The octets of an address as two numbers in the machine's order; only masked and hashed.
  struct Halves {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
  };

  [[nodiscard]] static Halves halves_of(const IpAddress::Octets& octets);
  [[nodiscard]] static Halves mask_of(int bits);
  [[nodiscard]] std::uint64_t hash_of(const IpAddress& client, AnswerClass answer_class, std::uint64_t name_hash) const;
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
