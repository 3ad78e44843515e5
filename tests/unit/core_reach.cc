// How far decisions reach: each limit on both of its sides, special-use space, and the number of addresses.
#include "blowback/reach.h"
#include "catch.h"

#include <random>
#include <string>
#include <vector>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file

namespace {

Prefix net(const std::string& text) {
  CAPTURE(text);
  const auto prefix = Prefix::parse(text);
  REQUIRE(prefix);
  return *prefix;
}

std::string name_of(Breadth breadth) {
  switch (breadth) {
    case Breadth::narrow:
      return "narrow";
    case Breadth::special_use:
      return "special-use";
    case Breadth::wide:
      return "wide";
    case Breadth::too_many:
      return "too many";
  }
  return "?";
}

std::string breadth(const std::string& text) { return name_of(reach_of(net(text)).breadth); }

/// `count` networks of that length, one after another from `first` on.
std::vector<Prefix> row(const std::string& first, int length, std::size_t count) {
  std::vector<Prefix> networks;
  auto at = Prefix::covering(net(first).first(), length);
  for (std::size_t i = 0; i < count; ++i) {
    networks.push_back(at);
    auto octets = at.last().octets();
    for (std::size_t place = octets.size(); place-- > 0 && ++octets.at(place) == 0;) {
    }
    at = Prefix::covering(IpAddress::from_octets(octets), length);
  }
  return networks;
}

std::string counted(const std::vector<Prefix>& networks) { return to_string(addresses_in(networks)); }

}  // namespace

TEST_CASE("a network is wide if it is shorter than /16 in IPv4, /32 in IPv6", "[core][reach]") {
  CHECK(breadth("8.8.0.0/16") == "narrow");
  CHECK(breadth("8.8.0.0/15") == "wide");
  CHECK(breadth("8.8.8.8") == "narrow");
  CHECK(breadth("2a00:1450::/32") == "narrow");
  CHECK(breadth("2a00:1450::/31") == "wide");
  CHECK(breadth("2a00:1450::1") == "narrow");
  CHECK(breadth("0.0.0.0/0") == "wide");
  CHECK(breadth("::/0") == "wide");
  CHECK(breadth("2000::/3") == "wide");
  CHECK(breadth("128.0.0.0/1") == "wide");
}

TEST_CASE("special-use networks need a permission whatever their length, and so do networks that contain one",
          "[core][reach]") {
  const auto text = GENERATE("0.0.0.0/8", "0.0.0.1", "10.0.0.0/8", "10.1.2.3", "127.0.0.1", "127.0.0.0/8",
                             "169.254.0.0/16", "192.168.1.0/24", "172.31.255.255", "224.0.0.1", "255.255.255.255",
                             "192.0.0.0/16", "192.31.196.0/22", "198.18.0.0/16", "100.127.255.255", "::", "::1",
                             "::/128", "fe80::/64", "fc00::/7", "64:ff9b::/96", "64:ff9b::808:808", "2002:808:808::/48",
                             "2001::/32", "ff02::1", "2620:4f::/32", "2620:4f:8000::/48", "4000::/16", "::/96");
  CAPTURE(text);
  CHECK(breadth(text) == "special-use");
}

TEST_CASE("a network next to special-use space is an ordinary one", "[core][reach]") {
  const auto text =
      GENERATE("1.0.0.0/16", "9.255.255.255", "11.0.0.0/16", "100.128.0.0", "126.255.0.0/16", "128.0.0.0/16",
               "169.253.0.0/16", "172.32.0.0/16", "192.0.1.0/24", "192.169.0.0/16", "198.17.0.0/16", "198.20.0.0/16",
               "223.255.0.0/16", "2001:200::/32", "2001:4860::/32", "2620:4e::/32", "2620:4f:8001::/48", "3ffe::/32");
  CAPTURE(text);
  CHECK(breadth(text) == "narrow");
}

TEST_CASE("documentation networks are ordinary here", "[core][reach]") {
  const auto text =
      GENERATE("192.0.2.0/24", "192.0.2.1", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "2001:db8::1");
  CAPTURE(text);
  CHECK(breadth(text) == "narrow");
}

TEST_CASE("an IPv4 network can't be hidden in IPv6 notation", "[core][reach]") {
  CHECK(breadth("::ffff:127.0.0.1") == "special-use");
  CHECK(breadth("::ffff:a00:1") == "special-use");
  CHECK(breadth("::ffff:8.8.8.8") == "narrow");
  // 0.0.0.0/0 in that notation isn't a prefix at all, and what contains it is no global unicast.
  CHECK_FALSE(Prefix::parse("::ffff:0:0/96"));
  CHECK(breadth("::/80") == "special-use");
}

TEST_CASE("has_special_use agrees with use_of, address by address", "[core][reach][property]") {
  std::mt19937 random(6890);
  const auto special = special_use_networks();
  CHECK(special.size() > 25);
  for (const auto& network : special) {
    CAPTURE(network.to_string());
    CHECK(use_of(network.first()) == AddressUse::special);
    CHECK(use_of(network.last()) == AddressUse::special);
    CHECK(is_special_use(network));
  }
  for (int i = 0; i < 20'000; ++i) {
    // Near an edge of one of them, 256 addresses or fewer.
    const auto& near = special.at(random() % special.size());
    const auto edge = random() % 2 == 0 ? near.first() : near.last();
    auto octets = edge.octets();
    octets.at(14) = static_cast<std::uint8_t>(octets.at(14) + random() % 3);
    const auto base = IpAddress::from_octets(octets);
    const auto prefix = Prefix::covering(base, base.bits() - static_cast<int>(random() % 9));
    bool any = false;
    bool all = true;
    octets = prefix.first().octets();
    for (;; ++octets.back()) {
      const bool is_special = use_of(IpAddress::from_octets(octets)) == AddressUse::special;
      any = any || is_special;
      all = all && is_special;
      if (octets == prefix.last().octets()) break;
    }
    CAPTURE(prefix.to_string());
    REQUIRE(has_special_use(prefix) == any);
    REQUIRE(is_special_use(prefix) == all);
  }
}

TEST_CASE("4,194,304 IPv4 addresses in one decision pass, one more doesn't", "[core][reach]") {
  auto networks = row("11.0.0.0", 16, 64);
  CHECK(name_of(reach_of(networks).breadth) == "narrow");
  networks.push_back(net("13.0.0.1"));
  const auto reach = reach_of(networks);
  CHECK(name_of(reach.breadth) == "too many");
  CHECK(in_words(reach) == "together they have more than 4,194,304 IPv4 addresses or IPv6 networks of /48");
  CHECK(to_string(reach.addresses) == "4,194,305 IPv4 addresses");
  // Each counts once: what another network contains adds nothing.
  networks.back() = net("11.0.0.1");
  CHECK(name_of(reach_of(networks).breadth) == "narrow");
}

TEST_CASE("4,194,304 IPv6 networks of /48 in one decision pass, one address more doesn't", "[core][reach]") {
  auto networks = row("2a01::", 32, 64);
  CHECK(name_of(reach_of(networks).breadth) == "narrow");
  networks.push_back(net("2b00::1"));
  CHECK(name_of(reach_of(networks).breadth) == "too many");
}

TEST_CASE("a million single addresses of either family are no wide decision, three hundred /16s are", "[core][reach]") {
  CHECK(name_of(reach_of(row("11.0.0.0", 32, 1'000'000)).breadth) == "narrow");
  CHECK(name_of(reach_of(row("2a01::", 64, 1'000'000)).breadth) == "narrow");
  CHECK(name_of(reach_of(row("11.0.0.0", 16, 300)).breadth) == "too many");
}

TEST_CASE("of several networks the first that is wide is named", "[core][reach]") {
  const auto reach = reach_of(std::vector{net("192.0.2.1"), net("10.0.0.0/8"), net("0.0.0.0/1")});
  CHECK(name_of(reach.breadth) == "special-use");
  CHECK(reach.network.to_string() == "10.0.0.0/8");
  CHECK(name_of(reach_of(std::vector<Prefix>{}).breadth) == "narrow");
}

TEST_CASE("the reason why it is wide is a clause", "[core][reach]") {
  CHECK(in_words(reach_of(net("0.0.0.0/0"))) == "0.0.0.0/0 is wider than /16");
  CHECK(in_words(reach_of(net("2a00::/12"))) == "2a00::/12 is wider than /32");
  CHECK(in_words(reach_of(net("10.0.0.0/8"))) == "10.0.0.0/8 is special-use space");
  CHECK(in_words(reach_of(net("192.0.0.0/16"))) == "192.0.0.0/16 contains special-use space");
}

TEST_CASE("addresses are counted once each, by family, and written with commas", "[core][reach]") {
  CHECK(counted({}) == "0 IPv4 addresses");
  CHECK(counted({net("192.0.2.1")}) == "1 IPv4 address");
  CHECK(counted({net("198.51.100.0/24")}) == "256 IPv4 addresses");
  CHECK(counted({net("0.0.0.0/0")}) == "4,294,967,296 IPv4 addresses");
  CHECK(counted({net("10.0.0.0/8")}) == "16,777,216 IPv4 addresses");
  CHECK(counted({net("2001:db8::/64")}) == "18,446,744,073,709,551,616 IPv6 addresses");
  CHECK(counted({net("::/1")}) == "170,141,183,460,469,231,731,687,303,715,884,105,728 IPv6 addresses");
  CHECK(counted({net("::/0")}) == "340,282,366,920,938,463,463,374,607,431,768,211,456 IPv6 addresses");
  CHECK(counted({net("::/1"), net("8000::/1")}) == counted({net("::/0")}));
  CHECK(counted({net("0.0.0.0/0"), net("::/0")}) == "4,294,967,296 IPv4 addresses and " + counted({net("::/0")}));
  CHECK(counted({net("192.0.2.1"), net("2001:db8::1")}) == "1 IPv4 address and 1 IPv6 address");
  // Overlapping, twice the same, out of order, and with the other family between.
  CHECK(counted({net("192.0.2.0/24"), net("192.0.2.0/24"), net("192.0.2.7"), net("192.0.3.1")}) ==
        "257 IPv4 addresses");
  CHECK(counted({net("192.0.2.7"), net("192.0.2.0/24")}) == "256 IPv4 addresses");
  CHECK(counted({net("::/0"), net("192.0.2.1"), net("2001:db8::/64")}) ==
        "1 IPv4 address and " + counted({net("::/0")}));
}
