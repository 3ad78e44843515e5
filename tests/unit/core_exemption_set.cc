// Exemptions by hash: the same answers as going through all of them.
#include "blowback/exemption_set.h"
#include "catch.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file

namespace {

constexpr UnixTime kNow{Duration{1'795'514'400}};

Prefix net(const std::string& text) { return Prefix::parse(text).value(); }

/// With few random bits, so that prefixes overlap, in both families.
Prefix drawn(std::mt19937& random) {
  const bool ipv4 = random() % 2 == 0;
  IpAddress::Octets octets = ipv4 ? net("192.0.0.0").first().octets() : net("2001:db8::").first().octets();
  for (std::size_t i = ipv4 ? 14 : 6; i < 16; ++i) octets.at(i) = static_cast<std::uint8_t>(random() % 3);
  const auto address = IpAddress::from_octets(octets);
  const int fewest = ipv4 ? 14 : 46;
  return Prefix::covering(address,
                          fewest + static_cast<int>(random() % static_cast<unsigned>(address.bits() - fewest + 1)));
}

}  // namespace

TEST_CASE("an exemption covers its network and all networks within it, until its end, and no wider one",
          "[core][exemption]") {
  ExemptionSet exempt;
  exempt.insert(net("192.0.2.0/24"), kNow);
  CHECK_FALSE(exempt.covers(net("192.0.2.0/24"), kNow));
  const auto before = kNow - Duration{1};
  CHECK(exempt.covers(net("192.0.2.0/24"), before));
  CHECK(exempt.covers(net("192.0.2.255").first(), before));
  CHECK_FALSE(exempt.covers(net("192.0.2.0/23"), before));
  CHECK_FALSE(exempt.covers(net("192.0.3.0/25"), before));
  exempt.insert(net("192.0.2.0/24"), std::nullopt);
  CHECK(exempt.covers(net("192.0.2.0/24"), kNow));
  exempt.erase(net("192.0.2.0/25"));
  CHECK(exempt.covers(net("192.0.2.0/25"), kNow));
  exempt.erase(net("192.0.2.0/24"));
  CHECK_FALSE(exempt.covers(net("192.0.2.0/25"), kNow));
}

TEST_CASE("the exemption of all IPv4 covers no IPv6, and the other way round", "[core][exemption]") {
  ExemptionSet exempt;
  exempt.insert(net("0.0.0.0/0"), std::nullopt);
  CHECK(exempt.covers(net("203.0.113.7"), kNow));
  CHECK_FALSE(exempt.covers(net("2001:db8::/32"), kNow));
  exempt.erase(net("0.0.0.0/0"));
  exempt.insert(net("::/0"), std::nullopt);
  CHECK_FALSE(exempt.covers(net("203.0.113.7"), kNow));
  CHECK(exempt.covers(net("2001:db8::/32"), kNow));
}

TEST_CASE("the set agrees with a search through all exemptions, for every prefix", "[core][exemption][property]") {
  const auto seed = GENERATE(range(1U, 21U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  ExemptionSet exempt;
  std::vector<Exemption> all;
  for (int round = 0; round < 2'000; ++round) {
    const auto prefix = drawn(random);
    const bool puts = random() % 3 != 0;
    std::erase_if(all, [&](const Exemption& one) { return one.prefix == prefix; });
    if (puts && all.size() < 60) {
      const auto until = random() % 2 == 0 ? std::nullopt : std::optional(kNow + Duration{random() % 5});
      all.push_back({.prefix = prefix, .since = kNow, .expires_at = until, .reason = {}});
      exempt.insert(prefix, until);
    } else {
      exempt.erase(prefix);
    }
    const auto asked = drawn(random);
    const auto at = kNow + Duration{random() % 5};
    const bool linear =
        std::ranges::any_of(all, [&](const Exemption& one) { return one.in_force(at) && one.prefix.contains(asked); });
    CAPTURE(asked.to_string(), round);
    REQUIRE(exempt.covers(asked, at) == linear);
  }
}
