// The two small values that stand for many rows: how many different ones there were, and who reported last.
#include "catch.h"
#include "schema/distinct.h"
#include "schema/recent_parts.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>

using namespace blowback;
using schema::Distinct;
using schema::RecentParts;

TEST_CASE("a sketch counts exactly up to 64, and beyond that within its error", "[schema][distinct]") {
  const auto count = GENERATE(0, 1, 63, 500, 20'000);
  Distinct sketch;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < count; ++i) sketch.add(part_key("thing " + std::to_string(i)));
  }
  if (count < 64) {
    CHECK(sketch.is_exact());
    CHECK(sketch.count() == static_cast<std::uint64_t>(count));
  } else {
    CHECK(static_cast<double>(sketch.count()) == Approx(count).epsilon(0.4));  // three standard errors
  }
}

TEST_CASE("two sketches merge to the sketch of both, and octets bring a sketch back", "[schema][distinct]") {
  Distinct one;
  Distinct other;
  Distinct both;
  for (int i = 0; i < 3'000; ++i) {
    const auto key = part_key(std::to_string(i));
    (i % 3 == 0 ? one : other).add(key);
    both.add(key);
  }
  one.merge(other);
  CHECK(one.octets() == both.octets());
  CHECK(Distinct(one.octets()).octets() == one.octets());
  // Octets that end in the middle of a hash, as a damaged row may hold.
  auto cut = both.octets();
  cut.pop_back();
  CHECK(Distinct(cut).octets().size() == both.octets().size() - 8);
}

TEST_CASE("recent reporters are counted as from all parts", "[schema][recent]") {
  std::mt19937 random(3);
  const int most = GENERATE(1, 2, 5);
  RecentParts recent;
  std::map<PartKey, UnixTime> all;
  for (int i = 0; i < 5'000; ++i) {
    const PartKey key{random() % 20};
    // Mostly in the order of time, now and then late.
    const UnixTime at{Duration{1'000'000 + i * 10 - static_cast<int>(random() % 10 == 0 ? random() % 400 : 0)}};
    recent.touch(key, at, most);
    auto& known = all[key];
    known = std::max(known, at);
    const PartKey asked{random() % 20};
    const UnixTime since = at - Duration{random() % 300};
    const auto expected =
        std::ranges::count_if(all, [&](const auto& part) { return part.first != asked && part.second > since; });
    REQUIRE(recent.others(asked, since, most) == std::min<long>(expected, most));
    if (i % 100 == 0) recent = RecentParts(recent.octets());
  }
}
