#include "rate_limit.h"

#include <sodium/crypto_shorthash_siphash24.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace blowback::answer {
namespace {

/// One answer, in units of 1/(1000 rate) of a second.
constexpr std::uint64_t kAnswer = 1000;
/// A bucket holds the answers of one second.
constexpr std::uint64_t kWindowMs = 1000;
/// At a million per second, 64 bits are enough for 270 years.
[[maybe_unused]] constexpr std::uint64_t kMostRate = 1'000'000;

static_assert(std::tuple_size_v<RateLimiter::Key> == crypto_shorthash_siphash24_KEYBYTES);

}  // namespace

RateLimiter::Halves RateLimiter::halves_of(const IpAddress::Octets& octets) {
  Halves halves;
  std::memcpy(&halves.head, octets.data(), 8);
  std::memcpy(&halves.tail, octets.data() + 8, 8);
  return halves;
}

RateLimiter::Halves RateLimiter::mask_of(int bits) {
  IpAddress::Octets octets{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(bits); ++i) {
    octets[i / 8] = static_cast<std::uint8_t>(octets[i / 8] | (0x80U >> (i % 8)));
  }
  return halves_of(octets);
}

RateLimiter::RateLimiter(const config::RateLimit& limits, const Key& key)
    : rate_(static_cast<std::uint64_t>(limits.responses)),
      slip_(static_cast<std::uint32_t>(limits.slip)),
      // An IPv4 address keeps the head of its mapped form, so that it never equals an IPv6 network.
      mask_v4_(mask_of(96 + limits.ipv4_prefix)),
      mask_v6_(mask_of(limits.ipv6_prefix)),
      key_(key),
      exempt_(limits.exempt) {
  assert(limits.responses >= 0 && rate_ <= kMostRate && limits.slip >= 0 && limits.table >= 1);
  assert(limits.ipv4_prefix >= 0 && limits.ipv4_prefix <= 32 && limits.ipv6_prefix >= 0 && limits.ipv6_prefix <= 128);
  if (rate_ > 0) sets_.resize((static_cast<std::size_t>(limits.table) + kWays - 1) / kWays);
}

std::uint64_t RateLimiter::hash_of(const IpAddress& client, AnswerClass answer_class) const {
  const Halves address = halves_of(client.octets());
  const Halves& mask = client.family() == Family::ipv4 ? mask_v4_ : mask_v6_;
  const std::array<std::uint64_t, 2> numbers{address.head & mask.head, address.tail & mask.tail};
  // 17 octets: SipHash's last block holds the length anyway, so the class needs no additional block.
  std::array<std::uint8_t, sizeof numbers + 1> input{};
  std::memcpy(input.data(), numbers.data(), sizeof numbers);
  input.back() = std::to_underlying(answer_class);
  std::array<std::uint8_t, crypto_shorthash_siphash24_BYTES> output{};
  crypto_shorthash_siphash24(output.data(), input.data(), input.size(), key_.data());
  std::uint64_t hash = 0;
  std::memcpy(&hash, output.data(), sizeof hash);
  return hash;
}

RateLimiter::Bucket& RateLimiter::bucket_of(std::uint64_t hash) {
  // The upper half as a fraction of 2^32: an even choice among any number of sets, without a division.
  Set& set = sets_[((hash >> 32U) * sets_.size()) >> 32U];
  const auto tag = static_cast<std::uint32_t>(hash);
  Bucket* nearest_full = set.buckets.data();
  for (Bucket& bucket : set.buckets) {
    if (bucket.tag == tag) return bucket;
    if (bucket.full_at < nearest_full->full_at) nearest_full = &bucket;
  }
  *nearest_full = {.full_at = 0, .tag = tag, .limited = 0};
  return *nearest_full;
}

Verdict RateLimiter::account(const IpAddress& client, AnswerClass answer_class, std::chrono::milliseconds now) {
  assert(now.count() >= 0);
  if (rate_ == 0 || exempt_.contains(client)) return Verdict::answer;
  Bucket& bucket = bucket_of(hash_of(client, answer_class));
  const std::uint64_t at = static_cast<std::uint64_t>(now.count()) * rate_;
  const std::uint64_t full_at = std::max(bucket.full_at, at) + kAnswer;
  if (full_at <= at + kWindowMs * rate_) {
    bucket.full_at = full_at;
    return Verdict::answer;
  }
  if (slip_ == 0 || ++bucket.limited < slip_) return Verdict::drop;
  bucket.limited = 0;
  return Verdict::slip;
}

}  // namespace blowback::answer
