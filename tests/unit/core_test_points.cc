// The test points of zones with all codes and with chosen ones.
#include "blowback/test_points.h"
#include "catch.h"

#include <string>
#include <vector>

using namespace blowback;

namespace {

std::vector<std::string> points(CodeSet codes) {
  std::vector<std::string> texts;
  for (const auto& point : test_points(codes))
    texts.push_back(point.address.to_string() + " " + std::string(name_of(point.code)));
  return texts;
}

}  // namespace

TEST_CASE("a zone with all codes has a test point for each", "[core][rfc5782]") {
  CHECK(points(CodeSet::all()) == std::vector<std::string>{"127.0.0.2 dsn", "127.0.0.3 auto_reply", "127.0.0.4 callout",
                                                           "127.0.0.5 challenge", "127.0.0.6 virus_notice",
                                                           "127.0.0.7 mdn", "127.0.0.9 operator"});
}

TEST_CASE("127.0.0.2 is in every zone, with the first of its codes", "[core][rfc5782]") {
  CHECK(points(Code::dsn) == std::vector<std::string>{"127.0.0.2 dsn"});
  CHECK(points(Code::by_operator) == std::vector<std::string>{"127.0.0.2 operator", "127.0.0.9 operator"});
  CHECK(points(CodeSet(Code::auto_reply) | Code::challenge) ==
        std::vector<std::string>{"127.0.0.2 challenge", "127.0.0.3 auto_reply", "127.0.0.5 challenge"});
}

TEST_CASE("single addresses and networks are judged by the same points", "[core][rfc5782]") {
  for (unsigned bits = 1; bits < 128; ++bits) {
    const auto codes = CodeSet::from_bits(bits);
    const auto all = test_points(codes);
    for (unsigned octet = 0; octet < 256; ++octet) {
      const auto address = IpAddress::from_v4(0x7f000000U | octet);
      std::optional<Code> expected;
      for (const auto& point : all) {
        if (point.address == address) expected = point.code;
      }
      REQUIRE(test_point(address, codes) == expected);
      for (const int length : {29, 30, 31, 32}) {
        const auto network = Prefix::covering(address, length);
        bool holds = false;
        for (const auto& point : all) holds = holds || network.contains(point.address);
        REQUIRE(holds_test_point(network, codes) == holds);
      }
    }
  }
  CHECK_FALSE(test_point(IpAddress::from_v4(0x7f000102), CodeSet::all()));
  CHECK_FALSE(is_never_listed(IpAddress::from_v4(0x7f000102)));
  CHECK_FALSE(is_never_listed(IpAddress::from_v4(0x7f000008)));
  for (const auto& address : never_listed()) CHECK(is_never_listed(address));
  CHECK(never_listed().front() == IpAddress::from_v4(0x7f000001));
}
