// Addresses and prefixes: text forms, families, covering, special use.
#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "catch.h"

#include <arpa/inet.h>
#include <random>

using blowback::AddressUse;
using blowback::Family;
using blowback::IpAddress;
using blowback::Prefix;

namespace {

IpAddress ip(const std::string& text) {
  CAPTURE(text);
  const auto address = IpAddress::parse(text);
  REQUIRE(address);
  return *address;
}

Prefix net(const std::string& text) {
  CAPTURE(text);
  const auto prefix = Prefix::parse(text);
  REQUIRE(prefix);
  return *prefix;
}

IpAddress random_address(std::mt19937& random) {
  if (random() % 2 == 0) return IpAddress::from_v4(static_cast<std::uint32_t>(random()));
  IpAddress::Octets octets{};
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
  return IpAddress::from_octets(octets);
}

}  // namespace

TEST_CASE("an IPv4-mapped IPv6 address is the IPv4 address", "[core]") {
  CHECK(ip("::ffff:192.0.2.1") == ip("192.0.2.1"));
  CHECK(ip("::FFFF:C000:0201").family() == Family::ipv4);
  CHECK(ip("::ffff:192.0.2.1").to_string() == "192.0.2.1");
  CHECK(ip("192.0.2.1").v4() == 0xC0000201);
}

TEST_CASE("text that is nearly an address is refused", "[core]") {
  const std::string text = GENERATE("", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "0x7f.1",
                                    "[::1]", "fe80::1%eth0", "::1::", "12345::", "1.2.3.4/32", "2130706433");
  CAPTURE(text);
  CHECK_FALSE(IpAddress::parse(text));
  CHECK_FALSE(IpAddress::parse(std::string("1.2.3.4\0", 8)));
}

TEST_CASE("an IPv6 address is written as inet_ntop does, wherever its zeros stand", "[core][property][rfc5952]") {
  std::mt19937 random(3);
  // All combinations of zero and other groups; the others with one to four digits.
  for (unsigned zeros = 0; zeros < 256; ++zeros) {
    for (int i = 0; i < 50; ++i) {
      IpAddress::Octets octets{};
      for (std::size_t group = 0; group < 8; ++group) {
        if ((zeros >> group & 1U) != 0) continue;
        const auto value = (1 + random() % 0xffffU) >> 4 * (random() % 4);
        octets.at(2 * group) = static_cast<std::uint8_t>(value >> 8U);
        octets.at(2 * group + 1) = static_cast<std::uint8_t>(value & 0xffU);
      }
      const auto address = IpAddress::from_octets(octets);
      if (address.family() == Family::ipv4) continue;
      std::array<char, INET6_ADDRSTRLEN> text{};
      REQUIRE(inet_ntop(AF_INET6, octets.data(), text.data(), text.size()) != nullptr);
      REQUIRE(address.to_string() == text.data());
    }
  }
}

TEST_CASE("parse and to_string of addresses are each other's inverse", "[core][property]") {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto address = random_address(random);
    CAPTURE(address.to_string());
    REQUIRE(ip(address.to_string()) == address);
    const auto prefix =
        Prefix::covering(address, static_cast<int>(random() % static_cast<unsigned>(address.bits() + 1)));
    CAPTURE(prefix.to_string());
    REQUIRE(net(prefix.to_string()) == prefix);
    REQUIRE(prefix.contains(address));
    // The last address of ::/80 and similar networks is the mapped form of 255.255.255.255, and so no IPv6 address.
    if (prefix.last().family() == prefix.family()) REQUIRE(prefix.contains(prefix.last()));
    REQUIRE(prefix.first() <= address);
    REQUIRE(address <= prefix.last());
  }
}

TEST_CASE("a prefix with host bits set is refused and the network around it is named", "[core]") {
  const auto refused = Prefix::parse("192.0.2.1/24");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find("192.0.2.0/24") != std::string::npos);
  const std::string text =
      GENERATE("192.0.2.0/33", "192.0.2.0/", "192.0.2.0/08", "192.0.2.0/-1", "2001:db8::/129", "/24", "x/8");
  CAPTURE(text);
  CHECK_FALSE(Prefix::parse(text));
}

TEST_CASE("a network sorts directly before the networks it contains, and contains only its own family", "[core]") {
  CHECK(net("192.0.2.0/24") < net("192.0.2.0/25"));
  CHECK(net("192.0.2.0/24") < net("192.0.2.0"));
  CHECK(net("192.0.2.255") < net("192.0.3.0/24"));
  CHECK(net("192.0.2.0/24").contains(net("192.0.2.128/25")));
  CHECK_FALSE(net("192.0.2.128/25").contains(net("192.0.2.0/24")));
  CHECK_FALSE(net("::/0").contains(ip("192.0.2.1")));
  CHECK_FALSE(net("0.0.0.0/0").contains(ip("2001:db8::1")));
  CHECK(net("0.0.0.0/0").contains(ip("255.255.255.255")));
  CHECK(net("192.0.2.1").to_string() == "192.0.2.1");
}

TEST_CASE("an IPv6 sender is its /64, an IPv4 sender its address", "[core]") {
  CHECK(sender_of(ip("2001:db8:1:2:3:4:5:6")) == net("2001:db8:1:2::/64"));
  CHECK(sender_of(ip("192.0.2.77")) == net("192.0.2.77"));
}

TEST_CASE("special-use addresses are known on both sides of their borders", "[core][rfc6890]") {
  const auto [text, use] = GENERATE(table<std::string, AddressUse>({
      {"9.255.255.255", AddressUse::ordinary},
      {"10.0.0.0", AddressUse::special},
      {"10.255.255.255", AddressUse::special},
      {"11.0.0.0", AddressUse::ordinary},
      {"100.63.255.255", AddressUse::ordinary},
      {"100.64.0.0", AddressUse::special},
      {"100.127.255.255", AddressUse::special},
      {"127.0.0.1", AddressUse::special},
      {"169.254.1.1", AddressUse::special},
      {"172.15.255.255", AddressUse::ordinary},
      {"172.31.255.255", AddressUse::special},
      {"172.32.0.0", AddressUse::ordinary},
      {"192.0.2.0", AddressUse::documentation},
      {"192.0.3.0", AddressUse::ordinary},
      {"192.168.0.1", AddressUse::special},
      {"198.19.255.255", AddressUse::special},
      {"198.51.100.7", AddressUse::documentation},
      {"203.0.113.7", AddressUse::documentation},
      {"223.255.255.255", AddressUse::ordinary},
      {"224.0.0.1", AddressUse::special},
      {"255.255.255.255", AddressUse::special},
      {"::1", AddressUse::special},
      {"::", AddressUse::special},
      {"fe80::1", AddressUse::special},
      {"fc00::1", AddressUse::special},
      {"ff02::1", AddressUse::special},
      {"2001:db8::1", AddressUse::documentation},
      {"2001:db9::1", AddressUse::ordinary},
      {"3fff:fff::1", AddressUse::documentation},
      {"3fff:1000::1", AddressUse::ordinary},
      {"2001:1ff::", AddressUse::special},
      {"2001:200::", AddressUse::ordinary},
      {"2002:c000:201::1", AddressUse::special},
      {"64:ff9b::1", AddressUse::special},
      {"2a00:1450::1", AddressUse::ordinary},
  }));
  CAPTURE(text);
  CHECK(use_of(ip(text)) == use);
}
