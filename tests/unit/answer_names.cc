// What a name stands for, and the way from an address to its name and back.
#include "answer/owner_name.h"
#include "answer_fixture.h"
#include "catch.h"

#include <random>

using namespace blowback;
using namespace blowback::test;
using answer::AddressName;
using answer::Apex;
using answer::OtherName;

namespace {

answer::OwnerName read(const std::vector<std::string>& labels) {
  Bytes bytes;
  for (const auto& label : labels) {
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    bytes.insert(bytes.end(), label.begin(), label.end());
  }
  return answer::owner_name(bytes);
}

AddressName read_address(const std::vector<std::string>& labels) {
  const auto name = read(labels);
  REQUIRE(std::holds_alternative<AddressName>(name));
  return std::get<AddressName>(name);
}

}  // namespace

TEST_CASE("no labels at all are the apex", "[answer][name]") { CHECK(std::holds_alternative<Apex>(read({}))); }

TEST_CASE("an address's name reads back as that address, in either form and either case", "[answer][name]") {
  std::mt19937 random(5);
  for (int i = 0; i < 2000; ++i) {
    const auto v4 = IpAddress::from_v4(static_cast<std::uint32_t>(random()));
    CAPTURE(v4.to_string());
    REQUIRE(read_address(reversed_labels(v4)).address == v4);
    // In nibbles it has no listing, but it may be a test point.
    REQUIRE_FALSE(read_address(reversed_labels(v4, true)).address);
    REQUIRE(read_address(reversed_labels(v4, true)).nibbles == Prefix::of(v4));
    IpAddress::Octets octets{};
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(random());
    const auto v6 = IpAddress::from_octets(octets);
    auto labels = reversed_labels(v6);
    REQUIRE(read_address(labels).address == v6);
    for (auto& label : labels) label[0] = static_cast<char>(std::toupper(label[0]));
    REQUIRE(read_address(labels).address == v6);
  }
}

TEST_CASE("a name above addresses is the network of its octets or nibbles", "[answer][name]") {
  CHECK(read_address({"192"}).octets == net("192.0.0.0/8"));
  CHECK_FALSE(read_address({"192"}).nibbles);
  CHECK(read_address({"2", "0", "192"}).octets == net("192.0.2.0/24"));
  CHECK(read_address({"1"}).octets == net("1.0.0.0/8"));
  CHECK(read_address({"1"}).nibbles == net("1000::/4"));
  CHECK(read_address({"1", "0", "0", "2"}).address == ip("2.0.0.1"));
  CHECK(read_address({"1", "0", "0", "2"}).nibbles == net("2001::/16"));
  CHECK_FALSE(read_address({"1", "0", "0", "2"}).octets);
  CHECK(read_address({"F"}).nibbles == net("f000::/4"));
  CHECK(read_address({"8", "b", "d", "0", "1", "0", "0", "2"}).nibbles == net("2001:db8::/32"));
}

TEST_CASE("nibbles below ::ffff:0:0/96 are IPv4 networks", "[answer][name]") {
  const auto labels = reversed_labels(ip("192.0.2.1"), true);
  for (std::size_t count = 24; count < 32; ++count) {
    const std::vector<std::string> part(labels.end() - static_cast<std::ptrdiff_t>(count), labels.end());
    CAPTURE(count);
    CHECK(read_address(part).nibbles == Prefix::covering(ip("192.0.2.1"), static_cast<int>(4 * count - 96)));
  }
  const std::vector<std::string> above(labels.end() - 23, labels.end());
  CHECK(read_address(above).nibbles->family() == Family::ipv6);
}

TEST_CASE("a name that is neither an address nor above one is recognised as such", "[answer][name]") {
  const auto labels = GENERATE(values<std::vector<std::string>>({{"www"},
                                                                 {"g"},
                                                                 {"002", "0", "0", "127"},
                                                                 {"00"},
                                                                 {"256"},
                                                                 {"2", "0", "0", "256"},
                                                                 {"1000"},
                                                                 {"1", "2", "0", "0", "127"},
                                                                 {"x", "2", "0", "0", "127"},
                                                                 {"_", "127"},
                                                                 {"-1"},
                                                                 {"+1"},
                                                                 {" 1"},
                                                                 {"0x1"},
                                                                 {"ab", "1"},
                                                                 {std::string("1\0", 2)},
                                                                 {std::string(63, '1')},
                                                                 std::vector<std::string>(33, "0"),
                                                                 std::vector<std::string>(100, "1")}));
  CAPTURE(labels);
  CHECK(std::holds_alternative<OtherName>(read(labels)));
}

TEST_CASE("of any other name the labels nearest the apex are read as far as they are octets or nibbles",
          "[answer][name][rfc4592]") {
  const auto other = [](const std::vector<std::string>& labels) {
    const auto name = read(labels);
    REQUIRE(std::holds_alternative<OtherName>(name));
    return std::get<OtherName>(name);
  };
  CHECK_FALSE(other({"www"}).octets);
  CHECK_FALSE(other({"www"}).nibbles);
  CHECK(other({"x", "2", "0", "192"}).octets->network == net("192.0.2.0/24"));
  CHECK_FALSE(other({"x", "2", "0", "192"}).nibbles);
  CHECK(other({"002", "2", "0", "192"}).octets->network == net("192.0.2.0/24"));
  CHECK(other({"x", "1", "2", "0", "192"}).octets->network == net("192.0.2.1/32"));
  CHECK(other({"1", "1", "2", "0", "192"}).octets->network == net("192.0.2.1/32"));
  CHECK(other({"1.2", "192"}).octets->network == net("192.0.0.0/8"));
  // Octets of one digit are nibbles, too.
  CHECK(other({"x", "1", "0", "0", "2"}).octets->network == net("2.0.0.1/32"));
  CHECK(other({"x", "1", "0", "0", "2"}).nibbles->network == net("2001::/16"));
  CHECK(other({"10", "F", "0", "2"}).octets->network == net("2.0.0.0/16"));
  CHECK(other({"10", "F", "0", "2"}).nibbles->network == net("20f0::/12"));
  auto labels = reversed_labels(ip("2001:db8::1"));
  labels.insert(labels.begin(), "1");
  CHECK(other(labels).nibbles->network == net("2001:db8::1/128"));
  // Below ::ffff:0:0/96 there is no wildcard.
  labels = reversed_labels(ip("192.0.2.1"), true);
  labels.insert(labels.begin(), "1");
  CHECK_FALSE(other(labels).nibbles);
}

TEST_CASE("a name below `*` is told from `*` itself", "[answer][name][rfc4592]") {
  const auto below = [](const std::vector<std::string>& labels) {
    const auto name = read(labels);
    REQUIRE(std::holds_alternative<OtherName>(name));
    return std::get<OtherName>(name).octets.value().below_asterisk;
  };
  CHECK_FALSE(below({"*", "2", "0", "192"}));
  CHECK(below({"x", "*", "2", "0", "192"}));
  CHECK(below({"*", "*", "2", "0", "192"}));
  CHECK(below({"1", "*", "2", "0", "192"}));
  CHECK_FALSE(below({"*", "x", "2", "0", "192"}));
  CHECK_FALSE(below({"x", "**", "2", "0", "192"}));
}
