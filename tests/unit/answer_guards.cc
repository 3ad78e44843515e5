// Who may ask, cookies and the rate limit, as they show in replies. What each does by itself is tested beside it.
#include "answer_fixture.h"
#include "catch.h"

using namespace blowback;
using namespace blowback::test;
using answer::CookieState;
using answer::Limited;
using answer::Outcome;
using answer::Transport;

namespace {

constexpr unsigned kCookie = 10;
const std::string kListed = "1.2.0.192.bl.example.org";

Bytes cookie_option(const Bytes& data) {
  Bytes option;
  put16(option, kCookie);
  put16(option, static_cast<unsigned>(data.size()));
  option.insert(option.end(), data.begin(), data.end());
  return option;
}

Ask with_cookie(const Bytes& data) { return {.name = kListed, .edns = true, .options = cookie_option(data)}; }

const Bytes kClientCookie{1, 2, 3, 4, 5, 6, 7, 8};

Served a_list() { return Served(index_of({listed("192.0.2.0/24")})); }

/// One limiter for a test's queries, all asked within a second.
struct Limit {
  explicit Limit(int slip) : limiter({.responses = 2, .slip = slip, .table = 16}, {}) {}
  answer::Answer ask(const Served& served, const Bytes& bytes, Transport transport = Transport::udp) {
    return answer::answer({bytes, served.client, transport}, served.zones, served.view, {kNow, {}}, &limiter, reply);
  }
  answer::RateLimiter limiter;
  Bytes reply = Bytes(answer::kLongestTcpReply);
};

}  // namespace

TEST_CASE("a client that isn't allowed to ask is refused with the reason, whatever it asks", "[answer][access]") {
  auto served = a_list();
  const std::vector<Prefix> allowed{net("192.0.2.0/24")};
  served.zones.all.front().access = answer::AccessList(allowed);
  for (const auto& name :
       {kListed, std::string("bl.example.org"), std::string("4.3.2.1.bl.example.org"), std::string("example.com")}) {
    const auto reply = served.ask(Ask{.name = name, .edns = true});
    CHECK(reply.rcode() == kRefused);
    CHECK(reply.ede() == 18);
    CHECK_FALSE(reply.aa());
    CHECK(reply.answers().empty());
    CHECK(reply.authority().empty());
  }
  served.client = ip("192.0.2.53");
  CHECK(served.ask({.name = kListed}).rdata() == std::vector<std::string>{"127.0.0.2"});
}

TEST_CASE("a client that shows its cookie gets a server cookie, and that one is good when shown again",
          "[answer][cookie]") {
  const auto served = a_list();
  const auto first = served.ask(with_cookie(kClientCookie));
  CHECK(served.raw(query(with_cookie(kClientCookie))).cookie == CookieState::client_only);
  const auto cookie = first.option(kCookie);
  REQUIRE(cookie.size() == 24);
  CHECK(Bytes(cookie.begin(), cookie.begin() + 8) == kClientCookie);
  CHECK(first.rdata() == std::vector<std::string>{"127.0.0.2"});

  CHECK(served.raw(query(with_cookie(cookie))).cookie == CookieState::good);
  CHECK(served.ask(with_cookie(cookie)).option(kCookie) == cookie);

  auto elsewhere = a_list();
  elsewhere.client = ip("198.51.100.78");
  CHECK(elsewhere.raw(query(with_cookie(cookie))).cookie == CookieState::bad);
  CHECK(elsewhere.ask(with_cookie(cookie)).option(kCookie) != cookie);
}

TEST_CASE("a malformed cookie is a format error and gets none back", "[answer][cookie]") {
  const auto served = a_list();
  for (const std::size_t size : {0U, 7U, 9U, 15U, 41U}) {
    const auto reply = served.ask(with_cookie(Bytes(size, 1)));
    CHECK(reply.rcode() == kFormErr);
    CHECK(reply.has_opt());
    CHECK(reply.option(kCookie).empty());
  }
}

TEST_CASE("without cookies in the config a cookie is an option like any other that isn't known", "[answer][cookie]") {
  auto served = a_list();
  served.zones.all.front().cookies = std::nullopt;
  for (const std::size_t size : {7U, 8U, 24U}) {
    const auto reply = served.ask(with_cookie(Bytes(size, 1)));
    CHECK(reply.rcode() == kNoError);
    CHECK(reply.option(kCookie).empty());
  }
}

TEST_CASE("beyond the rate limit a reply slips through empty and truncated, with its question and OPT",
          "[answer][rate]") {
  const auto served = a_list();
  Limit limit(1);
  for (const unsigned type : {LDNS_RR_TYPE_A, LDNS_RR_TYPE_TXT}) {
    for (const bool edns : {false, true}) {
      const auto bytes = query({.name = kListed, .type = type, .edns = edns, .dnssec_ok = edns});
      auto answered = limit.ask(served, bytes);
      while (answered.limited == Limited::no) answered = limit.ask(served, bytes);
      CHECK(answered.limited == Limited::slipped);
      CHECK(answered.truncated);
      CHECK(answered.outcome == Outcome::listed);
      const Reply slipped(Bytes(limit.reply.begin(), limit.reply.begin() + static_cast<std::ptrdiff_t>(answered.size)));
      CHECK(ldns_pkt_tc(slipped.packet()));
      CHECK(slipped.answers().empty());
      CHECK(slipped.authority().empty());
      CHECK(slipped.has_opt() == edns);
      CHECK(ldns_pkt_qdcount(slipped.packet()) == 1);
      CHECK(answered.size == bytes.size());
    }
  }
}

TEST_CASE("beyond the rate limit there is silence where nothing slips", "[answer][rate]") {
  const auto served = a_list();
  Limit limit(0);
  const auto bytes = query({.name = kListed});
  CHECK(limit.ask(served, bytes).size != 0);
  CHECK(limit.ask(served, bytes).size != 0);
  const auto third = limit.ask(served, bytes);
  CHECK(third.size == 0);
  CHECK(third.limited == Limited::dropped);
  // Another class of answer has a bucket of its own.
  CHECK(limit.ask(served, query({.name = "4.3.2.1.bl.example.org"})).size != 0);
}

TEST_CASE("the rate limit leaves alone who can't be a forgery: TCP, and a good cookie", "[answer][rate]") {
  const auto served = a_list();
  Limit limit(0);
  const auto plain = query({.name = kListed});
  const auto good = query(with_cookie(served.ask(with_cookie(kClientCookie)).option(kCookie)));
  for (int i = 0; i < 10; ++i) {
    CHECK(limit.ask(served, plain, Transport::tcp).size != 0);
    CHECK(limit.ask(served, good).size != 0);
  }
  CHECK(limit.ask(served, plain).size != 0);
}
