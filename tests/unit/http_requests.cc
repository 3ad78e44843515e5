// What a request asks for, who sent it, and how often a client may ask.
#include "blowback/prefix.h"
#include "catch.h"
#include "http/client_address.h"
#include "http/rate_limit.h"
#include "http/target.h"

#include <chrono>
#include <string>
#include <vector>

using namespace blowback;        // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::http;  // NOLINT(google-build-using-namespace)
using std::chrono::seconds;

namespace {

const std::vector<Prefix> kProxies{*Prefix::parse("127.0.0.0/8"), *Prefix::parse("::1"), *Prefix::parse("10.1.0.0/16")};

IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }

std::string client(const std::string& peer, const std::string& forwarded) {
  const auto from = peer.empty() ? std::nullopt : std::optional(ip(peer));
  const auto found = client_of(from, forwarded, kProxies);
  return found ? found->to_string() : "-";
}

}  // namespace

TEST_CASE("X-Forwarded-For counts from a proxy only, and only its right-most address that is no proxy", "[http]") {
  CHECK(client("192.0.2.1", "") == "192.0.2.1");
  CHECK(client("192.0.2.1", "198.51.100.9") == "192.0.2.1");  // not by a proxy: forged
  CHECK(client("127.0.0.1", "192.0.2.1") == "192.0.2.1");
  CHECK(client("127.0.0.1", "198.51.100.9, 192.0.2.1") == "192.0.2.1");  // the client wrote the first
  CHECK(client("127.0.0.1", "198.51.100.9, 192.0.2.1, 10.1.2.3") == "192.0.2.1");
  CHECK(client("127.0.0.1", "10.1.0.1, 10.1.2.3") == "10.1.0.1");
  CHECK(client("", "2001:DB8::1") == "2001:db8::1");
  CHECK(client("::1", "\"evil\", [2001:db8::1]:443") == "2001:db8::1");
  CHECK(client("127.0.0.1", "192.0.2.1:8080") == "192.0.2.1");
  CHECK(client("127.0.0.1", "") == "127.0.0.1");
  CHECK(client("", "") == "-");
}

TEST_CASE("a forwarder that can't be read is nobody, and not the address before it", "[http]") {
  CHECK(client("127.0.0.1", "192.0.2.1, unknown") == "-");
  CHECK(client("127.0.0.1", "192.0.2.1,") == "-");
  CHECK(client("127.0.0.1", "192.0.2.1 192.0.2.2") == "-");
  CHECK(client("127.0.0.1", "[192.0.2.1") == "-");
  CHECK(client("127.0.0.1", "192.0.2.1:port") == "-");
  CHECK(client("127.0.0.1", std::string(kLongestForwardedFor, ' ') + "192.0.2.1") == "-");
  std::string many;
  for (std::size_t i = 0; i < kMostForwarders; ++i) many += ", 127.0.0.1";
  CHECK(client("127.0.0.1", "192.0.2.1" + many) == "-");
}

TEST_CASE("a target is a path and parameters, decoded once", "[http]") {
  const auto target = read_target("/lookup?ip=2001%3adb8%3A%3A1&lang=de&ip=x+y%2B&&empty&=v");
  REQUIRE(target);
  CHECK(target->path == "/lookup");
  CHECK(target->parameter("ip") == "2001:db8::1");
  CHECK(target->parameter("lang") == "de");
  CHECK(target->parameter("empty") == "");
  CHECK_FALSE(target->parameter("other"));
  CHECK(target->parameters.size() == 5);
  CHECK(target->parameters[2].second == "x y+");
  CHECK(read_target("/a%2541")->path == "/a%41");
  CHECK(read_target("/a+b")->path == "/a+b");
}

TEST_CASE("a target that can't be decoded is refused", "[http]") {
  const auto text = GENERATE(as<std::string>{}, "", "*", "http://host/", "/%", "/%4", "/%zz", "/%00", "/%0d%0aX:1",
                             "/?a=%", "/?%1f=1", "/\x7f");
  CAPTURE(text);
  CHECK_FALSE(read_target(text));
  CHECK_FALSE(read_target("/" + std::string(kLongestTarget, 'a')));
  std::string many = "/?a=1";
  for (std::size_t i = 0; i < kMostParameters; ++i) many += "&a=1";
  CHECK_FALSE(read_target(many));
}

TEST_CASE("a client may ask as often as the limit, and again as its bucket fills", "[http][rate]") {
  RateLimit limit;
  const auto me = Prefix::of(ip("192.0.2.1"));
  const RateLimit::Clock::time_point start{seconds(1'000)};
  for (int i = 0; i < 60; ++i) CHECK(limit.take(me, 1, 60, start).allowed);
  const auto refused = limit.take(me, 1, 60, start);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.reset == seconds(1));
  CHECK(limit.take(Prefix::of(ip("192.0.2.2")), 1, 60, start).left == 59);
  CHECK(limit.take(me, 1, 60, start + seconds(1)).allowed);
  CHECK_FALSE(limit.take(me, 1, 60, start + seconds(1)).allowed);
  CHECK(limit.take(me, 30, 60, start + seconds(31)).allowed);
  CHECK(limit.take(me, 1, 60, start + seconds(500)).left == 59);
}

TEST_CASE("a clock that goes back fills no bucket", "[http][rate]") {
  RateLimit limit;
  const auto me = Prefix::of(ip("192.0.2.1"));
  const RateLimit::Clock::time_point start{seconds(1'000)};
  for (int i = 0; i < 2; ++i) CHECK(limit.take(me, 1, 2, start).allowed);
  CHECK_FALSE(limit.take(me, 1, 2, start - seconds(900)).allowed);
}

TEST_CASE("more clients than the table holds are neither refused nor remembered", "[http][rate]") {
  RateLimit limit;
  const RateLimit::Clock::time_point start{seconds(1'000)};
  for (std::size_t i = 0; i < RateLimit::kMostClients; ++i) {
    CHECK(limit.take(Prefix::of(IpAddress::from_v4(0x0b000000U + static_cast<std::uint32_t>(i))), 1, 2, start).allowed);
  }
  const auto me = Prefix::of(ip("192.0.2.1"));
  for (int i = 0; i < 5; ++i) CHECK(limit.take(me, 1, 2, start).allowed);
  // After a minute the others are full again, and forgotten.
  for (int i = 0; i < 2; ++i) CHECK(limit.take(me, 1, 2, start + seconds(61)).allowed);
  CHECK_FALSE(limit.take(me, 1, 2, start + seconds(61)).allowed);
}
