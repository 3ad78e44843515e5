// Which networks can be one wildcard of the zone.
#include "blowback/wildcard.h"
#include "catch.h"

#include <array>
#include <random>
#include <string>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file

namespace {

Prefix net(const std::string& text) { return Prefix::parse(text).value(); }

}  // namespace

TEST_CASE("a network that ends with a label can be a wildcard, unless names of the other family could be below it",
          "[core][wildcard]") {
  for (const auto* const yes :
       {"93.185.4.0/24", "93.185.0.0/16", "93.0.0.0/8", "10.0.0.0/8", "0.0.10.0/24", "9.9.10.0/24", "10.0.0.0/24",
        "127.1.0.0/16", "127.0.1.0/24", "128.0.0.0/8", "2001::/20", "2001:db8::/32", "2001:db8::/64",
        "2001:db8::10/124", "::1:0:0:0/80", "::fffe:0:0/96", "::fff0:0:0/96", "ffff:f000::/20"}) {
    CAPTURE(yes);
    CHECK(has_wildcard(net(yes)));
  }
  for (const auto* const no :
       {"93.185.4.0/25", "93.185.4.0/23", "93.185.4.1",    "92.0.0.0/7",    "0.0.0.0/0",    "9.0.0.0/8",
        "9.9.0.0/16",    "9.9.9.0/24",    "0.0.0.0/8",     "127.0.0.0/8",   "127.0.0.0/16", "127.0.0.0/24",
        "2001::/16",     "2000::/4",      "::/0",          "2001:db8::/63", "2001:db8::1",  "::/20",
        "::/64",         "::/80",         "::f000:0:0/84", "::fff0:0:0/92", "2001::/21"}) {
    CAPTURE(no);
    CHECK_FALSE(has_wildcard(net(no)));
  }
}

TEST_CASE("whatever is within a network that can be a wildcard can be one, too, at each label", "[core][wildcard]") {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    IpAddress::Octets octets{};
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 11);
    const auto address = i % 2 == 0 ? IpAddress::from_v4(static_cast<std::uint32_t>(
                                          octets[0] << 24U | octets[1] << 16U | octets[2] << 8U | octets[3]))
                                    : IpAddress::from_octets(octets);
    const int step = bits_of_label(address.family());
    bool wider = false;
    for (int length = step; length < address.bits(); length += step) {
      const bool own = has_wildcard(Prefix::covering(address, length));
      CAPTURE(address.to_string(), length);
      if (wider) REQUIRE(own);
      wider = own;
    }
  }
}

TEST_CASE("the text of a network is written without allocating", "[core]") {
  for (const auto* const text : {"192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "::/0", "2001:db8::1",
                                 "2001:1db8:1111:2222:3333:4444:5555:6660/124"}) {
    std::array<char, Prefix::kLongestText> out;
    CHECK(std::string(out.data(), net(text).to_chars(out)) == text);
    CHECK(net(text).to_string() == text);
  }
}
