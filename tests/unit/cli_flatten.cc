// The networks that listings and exemptions result in, compared with a look-up of each address.
#include "catch.h"
#include "dns/client.h"
#include "export/flatten.h"

#include <random>
#include <string>
#include <vector>

using namespace blowback;       // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli;  // NOLINT(google-build-using-namespace)

namespace {

Piece listed(const std::string& text, CodeSet codes = Code::dsn) {
  return {.prefix = Prefix::parse(text).value(), .codes = codes};
}
Piece exempt(const std::string& text) { return listed(text, {}); }

std::vector<std::string> pieces(std::vector<Piece> laid) {
  std::vector<std::string> found;
  for_each_piece(std::move(laid), [&](const Piece& piece) { found.push_back(piece.prefix.to_string()); });
  return found;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what is listed alone comes out as it is, in order, IPv4 first", "[cli][flatten]") {
  CHECK(pieces({}).empty());
  CHECK(pieces({listed("2001:db8::/32"), listed("203.0.113.7"), listed("192.0.2.0/24"), listed("0.0.0.0/0")}) ==
        Texts{"0.0.0.0/0", "2001:db8::/32"});
  CHECK(pieces({listed("::/0"), listed("203.0.113.7"), listed("192.0.2.0/24")}) ==
        Texts{"192.0.2.0/24", "203.0.113.7", "::/0"});
}

TEST_CASE("an exemption cuts the network around it, and all beneath it is gone", "[cli][flatten]") {
  CHECK(pieces({listed("192.0.2.0/30"), exempt("192.0.2.1")}) == Texts{"192.0.2.0", "192.0.2.2/31"});
  CHECK(pieces({listed("192.0.2.0/30"), listed("192.0.2.1"), exempt("192.0.2.0/24")}).empty());
  CHECK(pieces({listed("192.0.2.1"), exempt("192.0.2.1")}).empty());
}

TEST_CASE("a listing within another splits it only if it has further codes", "[cli][flatten]") {
  CHECK(pieces({listed("192.0.2.0/30"), listed("192.0.2.1")}) == Texts{"192.0.2.0/30"});
  CHECK(pieces({listed("192.0.2.0/30"), listed("192.0.2.1", Code::mdn)}) ==
        Texts{"192.0.2.0", "192.0.2.1", "192.0.2.2/31"});
}

TEST_CASE("an IPv6 network that is cut leaves the mapped IPv4 addresses out", "[cli][flatten]") {
  for (const auto& text : pieces({listed("::/0"), exempt("::1")})) {
    const auto prefix = Prefix::parse(text);
    REQUIRE(prefix);
    CHECK(prefix->family() == Family::ipv6);
  }
}

TEST_CASE("pieces never overlap, and have the codes that a look-up of each address finds", "[cli][flatten]") {
  std::mt19937 random(GENERATE(1U, 2U, 3U, 4U, 5U));
  // A small space, so that all cases occur: 192.0.2.0/24, or the last eight bits of a /120.
  const auto base = GENERATE(as<std::string>(), "192.0.2.0", "2001:db8::");
  const auto octets = IpAddress::parse(base).value().octets();
  const auto at = [&](unsigned last) {
    auto copy = octets;
    copy[15] = static_cast<std::uint8_t>(last);
    return IpAddress::from_octets(copy);
  };
  std::vector<Piece> laid;
  for (int i = 0; i < 40; ++i) {
    const auto address = at(random() % 256);
    const auto prefix = Prefix::covering(address, address.bits() - static_cast<int>(random() % 6));
    laid.push_back(
        {.prefix = prefix, .codes = random() % 4 == 0 ? CodeSet() : CodeSet::from_bits(1U << (random() % 3))});
  }
  std::vector<Piece> found;
  for_each_piece(laid, [&](const Piece& piece) { found.push_back(piece); });
  for (unsigned last = 0; last < 256; ++last) {
    CodeSet expected;
    bool is_exempt = false;
    for (const auto& each : laid) {
      if (!each.prefix.contains(at(last))) continue;
      is_exempt |= each.codes.empty();
      expected |= each.codes;
    }
    CodeSet said;
    int times = 0;
    for (const auto& each : found) {
      if (!each.prefix.contains(at(last))) continue;
      said |= each.codes;
      ++times;
    }
    CAPTURE(at(last).to_string(), times);
    CHECK(times <= 1);
    CHECK(said.bits() == (is_exempt ? CodeSet() : expected).bits());
  }
}

TEST_CASE("a server's address is read with its port or without", "[cli][dns]") {
  CHECK(to_string(server_address("192.0.2.53").value()) == "192.0.2.53:53");
  CHECK(to_string(server_address("192.0.2.53:5300").value()) == "192.0.2.53:5300");
  CHECK(to_string(server_address("2001:db8::53").value()) == "[2001:db8::53]:53");
  CHECK(to_string(server_address("[2001:db8::53]").value()) == "[2001:db8::53]:53");
  CHECK(to_string(server_address("[2001:db8::53]:5300").value()) == "[2001:db8::53]:5300");
  const auto bad = GENERATE(as<std::string>(), "", "ns1.example.org", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:65536",
                            "[192.0.2.53]:53", "192.0.2.53:53x", "[", "]", "[]", "[[::1]]x", ":53");
  CAPTURE(bad);
  CHECK(!server_address(bad));
}

TEST_CASE("the first name server of resolv.conf is found, whatever is around it", "[cli][dns]") {
  const auto found = first_nameserver(
      "# nameserver 192.0.2.1\nsearch example.org\nnameservers 192.0.2.2\nnameserver\t192.0.2.3 \nnameserver "
      "192.0.2.4");
  REQUIRE(found);
  CHECK(to_string(*found) == "192.0.2.3:53");
  CHECK(!first_nameserver(""));
  CHECK(!first_nameserver("nameserver\nnameserver \nnameserver fe80::1%eth0\n"));
}

TEST_CASE("owner names are reversed octets or nibbles", "[cli][dns]") {
  CHECK(owner_name(IpAddress::parse("192.0.2.99").value(), "bl.example.org") == "99.2.0.192.bl.example.org");
  CHECK(owner_name(IpAddress::parse("2001:db8::1").value(), "z") ==
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.z");
  CHECK(nibble_name(IpAddress::parse("127.0.0.2").value(), "z") ==
        "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.z");
}
