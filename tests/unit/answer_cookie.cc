// DNS cookies: RFC 9018's test vectors, and each thing that makes a cookie bad.
#include "answer/cookie.h"
#include "catch.h"

#include <sodium/crypto_shorthash_siphash24.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

using namespace blowback;
using answer::check_cookie;
using answer::ClientCookie;
using answer::CookieSecret;
using answer::CookieSecrets;
using answer::CookieState;
using answer::make_cookie;
using std::chrono::seconds;

namespace {

using Octets = std::vector<std::uint8_t>;

template <typename Container>
Container filled_from_hex(std::string_view hex, Container octets) {
  REQUIRE(hex.size() == 2 * octets.size());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    REQUIRE(std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, octets[i], 16).ec == std::errc{});
  }
  return octets;
}

Octets octets(std::string_view hex) { return filled_from_hex(hex, Octets(hex.size() / 2)); }
CookieSecret secret(std::string_view hex) { return filled_from_hex(hex, CookieSecret{}); }
ClientCookie client_cookie(std::string_view hex) { return filled_from_hex(hex, ClientCookie{}); }
IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
UnixTime at(std::int64_t since_1970) { return UnixTime{seconds{since_1970}}; }

template <typename Container>
Octets listed(const Container& container) {
  return {container.begin(), container.end()};
}

// RFC 9018 appendix A.
const std::string kSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const std::string kOldSecret = "dd3bdf9344b678b185a6f5cb60fca715";
const std::string kNewSecret = "445536bcd2513298075a5d379663c962";
constexpr std::int64_t kMade = 1559731985;
const std::string kClient = "198.51.100.100";
const std::string kClientCookie = "2464c4abcf10c957";
const std::string kCookie = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";

CookieSecrets with(const std::string& current) { return {.current = secret(current), .other = std::nullopt}; }
CookieSecrets with(const std::string& current, const std::string& other) {
  return {.current = secret(current), .other = secret(other)};
}

CookieState state_of(const Octets& option, const std::string& client, std::int64_t now, const CookieSecrets& secrets) {
  return check_cookie(option, ip(client), at(now), secrets).state;
}

}  // namespace

TEST_CASE("a first server cookie is that of RFC 9018 A.1", "[answer][cookie][rfc9018]") {
  const auto check = check_cookie(octets(kClientCookie), ip(kClient), at(kMade), with(kSecret));
  CHECK(check.state == CookieState::client_only);
  CHECK(check.renew);
  CHECK(check.client_cookie == client_cookie(kClientCookie));
  CHECK(listed(make_cookie(check.client_cookie, ip(kClient), at(kMade), with(kSecret))) == octets(kCookie));
}

TEST_CASE("a renewed server cookie is that of RFC 9018 A.2", "[answer][cookie][rfc9018]") {
  constexpr std::int64_t kNow = 1559734385;
  const auto check = check_cookie(octets(kCookie), ip(kClient), at(kNow), with(kSecret));
  CHECK(check.state == CookieState::good);
  CHECK(check.renew);
  CHECK(listed(make_cookie(check.client_cookie, ip(kClient), at(kNow), with(kSecret))) ==
        octets("2464c4abcf10c957010000005cf7a871d4a564a1442aca77"));
}

TEST_CASE("reserved octets that are set count in the hash and are zero in the next cookie, as in RFC 9018 A.3",
          "[answer][cookie][rfc9018]") {
  const std::string client = "203.0.113.203";
  const Octets shown = octets("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
  constexpr std::int64_t kShownMade = 1559727985;
  const auto check = check_cookie(shown, ip(client), at(kShownMade), with(kSecret));
  CHECK(check.state == CookieState::good);
  CHECK(check.renew);
  // The RFC calls it valid 6,715 seconds later; by its own §4.3 it isn't any more. The answer is the same.
  constexpr std::int64_t kNow = 1559734700;
  CHECK(state_of(shown, client, kNow, with(kSecret)) == CookieState::bad);
  CHECK(listed(make_cookie(check.client_cookie, ip(client), at(kNow), with(kSecret))) ==
        octets("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"));
}

TEST_CASE("an IPv6 client's cookie of the old secret is good and is renewed by the new one, as in RFC 9018 A.4",
          "[answer][cookie][rfc9018]") {
  const std::string client = "2001:db8:220:1:59de:d0f4:8769:82b8";
  const Octets shown = octets("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
  constexpr std::int64_t kNow = 1559741961;
  const auto secrets = with(kNewSecret, kOldSecret);
  const auto check = check_cookie(shown, ip(client), at(kNow), secrets);
  CHECK(check.state == CookieState::good);
  CHECK(check.renew);
  CHECK(listed(make_cookie(check.client_cookie, ip(client), at(kNow), secrets)) ==
        octets("22681ab97d52c298010000005cf7c609a6bb79d16625507a"));
  CHECK(state_of(shown, client, kNow, with(kNewSecret)) == CookieState::bad);
}

TEST_CASE("a server that has yet to change its secret accepts the next one", "[answer][cookie][rfc9018]") {
  const auto made = listed(make_cookie(client_cookie(kClientCookie), ip(kClient), at(kMade), with(kNewSecret)));
  CHECK(state_of(made, kClient, kMade, with(kOldSecret, kNewSecret)) == CookieState::good);
  CHECK(state_of(made, kClient, kMade, with(kOldSecret)) == CookieState::bad);
}

TEST_CASE("a COOKIE option has 8 or 16 to 40 octets, all else is malformed", "[answer][cookie][rfc7873]") {
  for (std::size_t length = 0; length <= 64; ++length) {
    CAPTURE(length);
    const auto check = check_cookie(Octets(length, 1), ip(kClient), at(kMade), with(kSecret));
    CookieState wanted = CookieState::malformed;
    if (length == 8) wanted = CookieState::client_only;
    if (length >= 16 && length <= 40) wanted = CookieState::bad;
    CHECK(check.state == wanted);
    CHECK(check.renew == (wanted != CookieState::malformed));
    CHECK(check.client_cookie[7] == (wanted == CookieState::malformed ? 0 : 1));
  }
}

TEST_CASE("a cookie with any bit changed is bad", "[answer][cookie]") {
  for (std::size_t bit = 0; bit < 8 * answer::kCookieOctets; ++bit) {
    Octets changed = octets(kCookie);
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    CAPTURE(bit);
    CHECK(state_of(changed, kClient, kMade, with(kSecret)) == CookieState::bad);
  }
}

TEST_CASE("a server cookie of another version is bad, also where its hash is right", "[answer][cookie][rfc9018]") {
  const auto version = GENERATE(0, 1, 2, 255);
  CAPTURE(version);
  // What a server with our secret would make that speaks a later version: client cookie, version and so on, address.
  Octets cookie = octets(kCookie);
  cookie[8] = static_cast<std::uint8_t>(version);
  Octets hashed(cookie.begin(), cookie.begin() + 16);
  const auto mapped = ip(kClient).octets();
  hashed.insert(hashed.end(), mapped.end() - 4, mapped.end());
  crypto_shorthash_siphash24(cookie.data() + 16, hashed.data(), hashed.size(), secret(kSecret).data());
  CHECK(state_of(cookie, kClient, kMade, with(kSecret)) == (version == 1 ? CookieState::good : CookieState::bad));
}

TEST_CASE("a good cookie that is cut or drawn out is bad", "[answer][cookie]") {
  Octets longer = octets(kCookie);
  longer.push_back(0);
  CHECK(state_of(longer, kClient, kMade, with(kSecret)) == CookieState::bad);
  Octets shorter = octets(kCookie);
  shorter.pop_back();
  CHECK(state_of(shorter, kClient, kMade, with(kSecret)) == CookieState::bad);
}

TEST_CASE("a cookie is good for the address it was made for alone", "[answer][cookie]") {
  CHECK(state_of(octets(kCookie), "198.51.100.101", kMade, with(kSecret)) == CookieState::bad);
  CHECK(state_of(octets(kCookie), "2001:db8::1", kMade, with(kSecret)) == CookieState::bad);
  // However the socket shows it.
  CHECK(state_of(octets(kCookie), "::ffff:198.51.100.100", kMade, with(kSecret)) == CookieState::good);

  const auto made = listed(make_cookie(client_cookie(kClientCookie), ip("2001:db8::1"), at(kMade), with(kSecret)));
  CHECK(state_of(made, "2001:db8::1", kMade, with(kSecret)) == CookieState::good);
  CHECK(state_of(made, "2001:db8::2", kMade, with(kSecret)) == CookieState::bad);
  CHECK(state_of(made, "2001:db8:0:1::1", kMade, with(kSecret)) == CookieState::bad);
}

TEST_CASE("a cookie is good for an hour, and five minutes before its time; it is renewed from half an hour on",
          "[answer][cookie][rfc9018]") {
  struct Case {
    std::int64_t age;
    CookieState state;
    bool renew;
  };
  const auto c = GENERATE(values<Case>({{-301, CookieState::bad, true},
                                        {-300, CookieState::good, false},
                                        {0, CookieState::good, false},
                                        {1800, CookieState::good, false},
                                        {1801, CookieState::good, true},
                                        {3600, CookieState::good, true},
                                        {3601, CookieState::bad, true},
                                        {0x7fffffff, CookieState::bad, true},
                                        {0x80000000, CookieState::bad, true}}));
  // Also where the 32 bits run over (2106), and where they are about to change their sign (2038).
  const auto made = GENERATE(as<std::int64_t>{}, kMade, 0x7fffffff, 0x80000000, 0xffffffff, 0xffffff00, 0x100000000);
  CAPTURE(c.age, made);
  const auto cookie = listed(make_cookie(client_cookie(kClientCookie), ip(kClient), at(made), with(kSecret)));
  const auto check = check_cookie(cookie, ip(kClient), at(made + c.age), with(kSecret));
  CHECK(check.state == c.state);
  CHECK(check.renew == c.renew);
}

TEST_CASE("the config's secrets are taken in their order, and the random one only where it has none",
          "[answer][cookie]") {
  config::Server server;
  CHECK(CookieSecrets::of(server, secret(kSecret)).current == secret(kSecret));
  CHECK_FALSE(CookieSecrets::of(server, secret(kSecret)).other);
  server.cookie_secrets = {secret(kNewSecret)};
  CHECK(CookieSecrets::of(server, secret(kSecret)).current == secret(kNewSecret));
  CHECK_FALSE(CookieSecrets::of(server, secret(kSecret)).other);
  server.cookie_secrets = {secret(kNewSecret), secret(kOldSecret)};
  CHECK(CookieSecrets::of(server, secret(kSecret)).current == secret(kNewSecret));
  CHECK(CookieSecrets::of(server, secret(kSecret)).other == secret(kOldSecret));
}
