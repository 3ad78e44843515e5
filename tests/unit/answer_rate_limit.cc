// The rate limiter: what a bucket holds and who shares it, the table when it is crowded, and a model that can't be wrong.
#include "answer/rate_limit.h"
#include "catch.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace blowback;
using answer::AnswerClass;
using answer::RateLimiter;
using answer::Verdict;
using std::chrono::milliseconds;

// Found by Catch2 beside the type.
namespace blowback::answer {
static std::ostream& operator<<(std::ostream& out, Verdict verdict) {
  switch (verdict) {
    case Verdict::answer:
      return out << "answer";
    case Verdict::slip:
      return out << "slip";
    case Verdict::drop:
      return out << "drop";
  }
  return out << "?";
}
}  // namespace blowback::answer

namespace {

constexpr RateLimiter::Key kKey{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr milliseconds kStart{1'000'000};

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

config::RateLimit limits(int responses, int slip = 0) {
  config::RateLimit out;
  out.responses = responses;
  out.slip = slip;
  return out;
}

/// How many of `asked` answers at `now` are sent in full.
int answered(RateLimiter& limiter, const std::string& client, int asked, milliseconds now,
             AnswerClass answer_class = AnswerClass::nxdomain) {
  int count = 0;
  for (int i = 0; i < asked; ++i) {
    if (limiter.account(ip(client), answer_class, now) == Verdict::answer) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("without a rate everything is answered, and there is no table", "[answer][rate_limit]") {
  RateLimiter limiter(limits(0), kKey);
  CHECK(limiter.buckets() == 0);
  CHECK(answered(limiter, "192.0.2.1", 100'000, kStart) == 100'000);
}

TEST_CASE("a bucket holds a second's answers and fills at the rate", "[answer][rate_limit]") {
  const auto rate = GENERATE(1, 3, 7, 50, 1000, 999'999, 1'000'000);
  CAPTURE(rate);
  RateLimiter limiter(limits(rate), kKey);
  CHECK(answered(limiter, "192.0.2.1", rate + 10, kStart) == rate);
  // 1/rate later there is one more, rounded up to the next millisecond.
  const milliseconds next{(1000 + rate - 1) / rate};
  CHECK(answered(limiter, "192.0.2.1", 10, kStart + next - milliseconds{1}) == 0);
  CHECK(answered(limiter, "192.0.2.1", 10, kStart + next) == std::min(10, std::max(1, rate / 1000)));
  // However long it rests, it never holds more.
  CHECK(answered(limiter, "192.0.2.1", rate + 10, kStart + std::chrono::hours{24}) == rate);
}

TEST_CASE("a continuing flood gets the configured rate", "[answer][rate_limit]") {
  RateLimiter limiter(limits(7), kKey);
  int count = 0;
  for (int ms = 0; ms < 10'000; ++ms) count += answered(limiter, "192.0.2.1", 5, kStart + milliseconds{ms});
  CHECK(count == 7 + 69);  // what the bucket held, and what flowed in within 9.999 s
}

TEST_CASE("of the limited answers every n-th slips", "[answer][rate_limit]") {
  const auto slip = GENERATE(0, 1, 2, 3, 100);
  CAPTURE(slip);
  RateLimiter limiter(limits(1, slip), kKey);
  REQUIRE(answered(limiter, "192.0.2.1", 1, kStart) == 1);
  for (int limited = 1; limited <= 300; ++limited) {
    CAPTURE(limited);
    CHECK(limiter.account(ip("192.0.2.1"), AnswerClass::nxdomain, kStart) ==
          (slip != 0 && limited % slip == 0 ? Verdict::slip : Verdict::drop));
  }
}

TEST_CASE("addresses of one prefix share a bucket, others have their own", "[answer][rate_limit]") {
  RateLimiter limiter(limits(5), kKey);
  CHECK(answered(limiter, "192.0.2.0", 10, kStart) == 5);
  CHECK(answered(limiter, "192.0.2.255", 10, kStart) == 0);
  CHECK(answered(limiter, "::ffff:192.0.2.9", 10, kStart) == 0);
  CHECK(answered(limiter, "192.0.3.0", 10, kStart) == 5);
  CHECK(answered(limiter, "192.0.1.255", 10, kStart) == 5);
  CHECK(answered(limiter, "2001:db8:0:ff::1", 10, kStart) == 5);
  CHECK(answered(limiter, "2001:db8::", 10, kStart) == 0);
  CHECK(answered(limiter, "2001:db8:0:100::", 10, kStart) == 5);
  // Both are zeros behind the mask, but for the mark of IPv4.
  CHECK(answered(limiter, "0.0.0.0", 10, kStart) == 5);
  CHECK(answered(limiter, "::", 10, kStart) == 5);
}

TEST_CASE("the lengths of prefixes come from the config", "[answer][rate_limit]") {
  auto by = limits(5);
  by.ipv4_prefix = GENERATE(8, 20, 32);
  by.ipv6_prefix = by.ipv4_prefix * 4;
  CAPTURE(by.ipv4_prefix, by.ipv6_prefix);
  const auto neighbours = [&](const IpAddress& address, int length) {
    // The last address of its prefix, and the first of the next.
    RateLimiter limiter(by, kKey);
    CHECK(answered(limiter, address.to_string(), 10, kStart) == 5);
    const IpAddress last = Prefix::covering(address, length).last();
    CHECK(answered(limiter, last.to_string(), 10, kStart) == 0);
    auto octets = last.octets();
    for (std::size_t i = 15; ++octets[i] == 0;) --i;
    CHECK(answered(limiter, IpAddress::from_octets(octets).to_string(), 10, kStart) == 5);
  };
  neighbours(ip("198.51.100.7"), by.ipv4_prefix);
  neighbours(ip("2001:db8:1:2:3:4:5:6"), by.ipv6_prefix);
}

TEST_CASE("each class of answers has a bucket of its own", "[answer][rate_limit]") {
  RateLimiter limiter(limits(5), kKey);
  for (const auto each : {AnswerClass::positive, AnswerClass::nodata, AnswerClass::nxdomain, AnswerClass::error}) {
    CHECK(answered(limiter, "192.0.2.1", 10, kStart, each) == 5);
    CHECK(answered(limiter, "192.0.2.1", 10, kStart, each) == 0);
  }
}

TEST_CASE("an exempt client is never limited", "[answer][rate_limit]") {
  auto some = limits(1);
  some.exempt = {Prefix::parse("127.0.0.0/8").value(), Prefix::parse("2001:db8::53").value()};
  RateLimiter limiter(some, kKey);
  CHECK(answered(limiter, "127.0.0.1", 1000, kStart) == 1000);
  CHECK(answered(limiter, "2001:db8::53", 1000, kStart) == 1000);
  CHECK(answered(limiter, "2001:db8::54", 1000, kStart) == 1);
  CHECK(answered(limiter, "128.0.0.1", 1000, kStart) == 1);
}

TEST_CASE("a clock that is stepped back only delays", "[answer][rate_limit]") {
  RateLimiter limiter(limits(5), kKey);
  CHECK(answered(limiter, "192.0.2.1", 3, kStart) == 3);
  CHECK(answered(limiter, "192.0.2.1", 10, kStart - milliseconds{500}) == 0);
  CHECK(answered(limiter, "192.0.2.1", 10, kStart) == 2);
  CHECK(answered(limiter, "192.0.2.1", 10, milliseconds{0}) == 0);
}

TEST_CASE("the table has the buckets that were asked for, and stays as it is", "[answer][rate_limit]") {
  auto sized = limits(1);
  const auto [asked, buckets] =
      GENERATE(table<int, std::size_t>({{1, 4}, {4, 4}, {5, 8}, {1024, 1024}, {65536, 65536}, {100'001, 100'004}}));
  sized.table = asked;
  CAPTURE(asked);
  RateLimiter limiter(sized, kKey);
  CHECK(limiter.buckets() == buckets);
  for (std::uint32_t i = 0; i < 300'000; ++i) {
    static_cast<void>(limiter.account(IpAddress::from_v4(i << 8U), AnswerClass::error, kStart));
  }
  CHECK(limiter.buckets() == buckets);
}

TEST_CASE("many sources with few queries don't displace a flooded one", "[answer][rate_limit]") {
  auto small = limits(10);
  small.table = 4;  // one set
  RateLimiter limiter(small, kKey);
  REQUIRE(answered(limiter, "192.0.2.1", 20, kStart) == 10);
  for (std::uint32_t i = 1; i <= 10'000; ++i) {
    REQUIRE(limiter.account(IpAddress::from_v4(i << 8U), AnswerClass::nxdomain, kStart) == Verdict::answer);
  }
  CHECK(answered(limiter, "192.0.2.1", 20, kStart) == 0);
}

TEST_CASE("with more flooded sources than the table holds, the newcomer begins with a full bucket",
          "[answer][rate_limit]") {
  auto small = limits(10);
  small.table = 4;
  RateLimiter limiter(small, kKey);
  for (const auto* client : {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"}) {
    CHECK(answered(limiter, client, 20, kStart) == 10);
    CHECK(answered(limiter, client, 20, kStart) == 0);
  }
  CHECK(answered(limiter, "10.0.0.1", 20, kStart) == 10);
}

TEST_CASE("with another key others share a set", "[answer][rate_limit]") {
  // 200 sources that use up their buckets, in a table of 256: some sets have more than four of them. Which ones, says the key.
  auto small = limits(1);
  small.table = 256;
  const auto forgotten = [&](std::uint8_t first) {
    auto key = kKey;
    key[0] = first;
    RateLimiter limiter(small, key);
    std::vector<bool> out;
    for (int round = 0; round < 2; ++round) {
      out.clear();
      for (std::uint32_t i = 0; i < 200; ++i) {
        out.push_back(limiter.account(IpAddress::from_v4(i << 8U), AnswerClass::error, kStart) == Verdict::answer);
      }
    }
    return out;
  };
  CHECK(std::ranges::count(forgotten(1), true) > 0);
  CHECK(forgotten(1) == forgotten(1));
  CHECK(forgotten(1) != forgotten(2));
}

namespace {

/// A bucket per key in a map: filled, capped and emptied as one would say it, in thousandths of an answer.
class Model {
 public:
  explicit Model(config::RateLimit limits) : limits_(std::move(limits)) {}

  Verdict account(const IpAddress& client, AnswerClass answer_class, milliseconds now) {
    const int length = client.family() == Family::ipv4 ? limits_.ipv4_prefix : limits_.ipv6_prefix;
    const std::int64_t full = std::int64_t{1000} * limits_.responses;
    auto [at, is_new] = buckets_.try_emplace({Prefix::covering(client, length), answer_class});
    Bucket& bucket = at->second;
    bucket.level = is_new ? full : std::min(full, bucket.level + (now - bucket.at).count() * limits_.responses);
    bucket.at = now;
    if (bucket.level >= 1000) {
      bucket.level -= 1000;
      return Verdict::answer;
    }
    ++bucket.limited;
    return limits_.slip != 0 && bucket.limited % limits_.slip == 0 ? Verdict::slip : Verdict::drop;
  }

 private:
  struct Bucket {
    std::int64_t level = 0;
    milliseconds at{};
    int limited = 0;
  };

  config::RateLimit limits_;
  std::map<std::pair<Prefix, AnswerClass>, Bucket> buckets_;
};

}  // namespace

TEST_CASE("limiter and model agree on every answer while no bucket is driven out", "[answer][rate_limit]") {
  const auto seed = GENERATE(range(1U, 61U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
  config::RateLimit some;
  some.responses = pick(0, 3) == 0 ? pick(1, 3) : pick(1, 2000);
  some.slip = pick(0, 5);
  some.ipv4_prefix = pick(8, 32);
  some.ipv6_prefix = pick(16, 128);
  RateLimiter::Key key{};
  for (auto& octet : key) octet = static_cast<std::uint8_t>(pick(0, 255));

  std::vector<IpAddress> clients;
  for (int i = 0; i < 12; ++i) {
    auto octets = ip(i % 2 == 0 ? "198.51.100.0" : "2001:db8::").octets();
    // A random bit changed, so that short prefixes have several clients.
    const int bit = i % 2 == 0 ? pick(96, 127) : pick(32, 127);
    octets[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(1U << static_cast<unsigned>(bit % 8));
    clients.push_back(IpAddress::from_octets(octets));
  }
  // Some send most, so that there are floods.
  const int favourites = pick(1, 12);
  const int slowness = pick(0, 3);

  RateLimiter limiter(some, key);
  Model model(some);
  milliseconds now{pick(0, 1'000'000'000)};
  int limited = 0;
  for (int step = 0; step < 5000; ++step) {
    if (pick(0, 9) < slowness) now += milliseconds{pick(0, 19) == 0 ? pick(0, 3000) : pick(0, 5)};
    const auto& client = clients[static_cast<std::size_t>(pick(0, 3) == 0 ? pick(0, 11) : pick(0, favourites - 1))];
    const auto answer_class = static_cast<AnswerClass>(pick(0, 3));
    const Verdict wanted = model.account(client, answer_class, now);
    const Verdict given = limiter.account(client, answer_class, now);
    if (given != wanted) {
      CAPTURE(step, client.to_string(), static_cast<int>(answer_class), now.count(), some.responses);
      REQUIRE(given == wanted);
    }
    if (given != Verdict::answer) ++limited;
  }
  // With the lower rates, at least, there was something to agree on.
  CHECK((limited > 0 || some.responses > 20));
}
