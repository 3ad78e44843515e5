// Who may ask: lists of prefixes, and the same asked of each prefix by itself.
#include "answer/access.h"
#include "catch.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace blowback;
using answer::AccessList;
using answer::PrefixSet;

namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

std::vector<Prefix> prefixes(const std::vector<std::string>& texts) {
  std::vector<Prefix> out;
  for (const std::string& text : texts) out.push_back(Prefix::parse(text).value());
  return out;
}

}  // namespace

TEST_CASE("an empty list allows everybody, and an empty set contains nobody", "[answer][access]") {
  const auto address = GENERATE(as<std::string>{}, "0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "2001:db8::1");
  CHECK(AccessList().allows(ip(address)));
  CHECK(AccessList(std::vector<Prefix>{}).allows(ip(address)));
  CHECK_FALSE(PrefixSet().contains(ip(address)));
}

TEST_CASE("a list allows what its prefixes contain, up to both their ends", "[answer][access]") {
  const AccessList list(prefixes({"2001:db8:2::/48", "192.0.2.64/26", "203.0.113.7", "10.0.0.0/8", "2001:db8::5"}));
  const auto allowed = GENERATE(as<std::string>{}, "10.0.0.0", "10.255.255.255", "192.0.2.64", "192.0.2.127",
                                "203.0.113.7", "2001:db8::5", "2001:db8:2::", "2001:db8:2:ffff:ffff:ffff:ffff:ffff");
  const auto refused = GENERATE(as<std::string>{}, "0.0.0.0", "9.255.255.255", "11.0.0.0", "192.0.2.63", "192.0.2.128",
                                "203.0.113.6", "203.0.113.8", "255.255.255.255", "::", "2001:db8::4", "2001:db8::6",
                                "2001:db8:1:ffff:ffff:ffff:ffff:ffff", "2001:db8:3::", "ffff::");
  CAPTURE(allowed, refused);
  CHECK(list.allows(ip(allowed)));
  CHECK_FALSE(list.allows(ip(refused)));
}

TEST_CASE("a client by an IPv6 socket is the IPv4 address that it is", "[answer][access]") {
  CHECK(AccessList(prefixes({"192.0.2.0/24"})).allows(ip("::ffff:192.0.2.1")));
  CHECK_FALSE(AccessList(prefixes({"192.0.2.0/24"})).allows(ip("::192.0.2.1")));
}

TEST_CASE("all of IPv6 has none of IPv4 in it, nor the other way round", "[answer][access]") {
  CHECK(AccessList(prefixes({"::/0"})).allows(ip("2001:db8::1")));
  CHECK_FALSE(AccessList(prefixes({"::/0"})).allows(ip("192.0.2.1")));
  CHECK(AccessList(prefixes({"0.0.0.0/0"})).allows(ip("192.0.2.1")));
  CHECK_FALSE(AccessList(prefixes({"0.0.0.0/0"})).allows(ip("2001:db8::1")));
}

TEST_CASE("a set contains what one of its prefixes contains, however they lie in each other", "[answer][access]") {
  const auto seed = GENERATE(range(1U, 101U));
  const auto base = GENERATE(as<std::string>{}, "192.0.2.0", "2001:db8::", "::fffe:0:0");
  CAPTURE(seed, base);
  std::mt19937 random(seed);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
  const auto some_address = [&](int last) {
    auto octets = ip(base).octets();
    octets[15] = static_cast<std::uint8_t>(last);
    return IpAddress::from_octets(octets);
  };
  std::vector<Prefix> list;
  for (int i = pick(0, 8); i > 0; --i) {
    const IpAddress address = some_address(pick(0, 255));
    list.push_back(Prefix::covering(address, address.bits() - pick(0, 7)));
  }
  const PrefixSet set(list);
  CHECK(set.empty() == list.empty());
  for (int last = 0; last < 256; ++last) {
    const IpAddress address = some_address(last);
    CAPTURE(address.to_string());
    CHECK(set.contains(address) == std::ranges::any_of(list, [&](const Prefix& p) { return p.contains(address); }));
  }
}
