// EDNS: RFC 6891's rules one by one, NSID, keepalive, extended errors.
#include "answer_fixture.h"
#include "catch.h"

using namespace blowback;
using namespace blowback::test;
using answer::Transport;

namespace {

constexpr auto kTestPoint = "2.0.0.127.bl.example.org";

}  // namespace

TEST_CASE("a reply has an OPT exactly if the query had one", "[answer][edns]") {
  const Served served;
  const auto name = GENERATE(as<std::string>{}, kTestPoint, "1.0.0.127.bl.example.org", "example.com");
  CHECK_FALSE(served.ask({.name = name}).has_opt());
  const auto reply = served.ask({.name = name, .edns = true});
  CHECK(reply.has_opt());
  CHECK(ldns_pkt_edns_udp_size(reply.packet()) == 1232);
  CHECK(ldns_pkt_edns_version(reply.packet()) == 0);
}

TEST_CASE("DO comes back as it was", "[answer][edns]") {
  const Served served;
  CHECK(ldns_pkt_edns_do(served.ask({.name = kTestPoint, .edns = true, .dnssec_ok = true}).packet()));
  CHECK_FALSE(ldns_pkt_edns_do(served.ask({.name = kTestPoint, .edns = true}).packet()));
}

TEST_CASE("another EDNS version is BADVERS with version 0 and nothing answered", "[answer][edns]") {
  const Served served;
  const auto reply =
      served.ask({.name = kTestPoint, .edns = true, .version = GENERATE(1U, 255U), .options = {1, 2, 3}});
  CHECK(reply.rcode() == kBadVers);
  CHECK(ldns_pkt_edns_version(reply.packet()) == 0);
  CHECK(reply.answers().empty());
  CHECK(reply.authority().empty());
}

TEST_CASE("unknown options are ignored", "[answer][edns]") {
  const Served served;
  const auto reply = served.ask({.name = kTestPoint, .edns = true, .options = {0xff, 0xf0, 0, 2, 7, 7, 0, 99, 0, 0}});
  CHECK(reply.rdata() == std::vector<std::string>{"127.0.0.2"});
  CHECK(reply.option(0xfff0).empty());
}

TEST_CASE("options that aren't well formed are FORMERR, and the reply shows that we know EDNS", "[answer][edns]") {
  const Served served;
  const auto options = GENERATE(Bytes{0}, Bytes{0, 3}, Bytes{0, 3, 0}, Bytes{0, 3, 0, 1}, Bytes{0, 3, 0xff, 0xff, 1});
  const auto reply = served.ask({.name = kTestPoint, .edns = true, .options = options});
  CHECK(reply.rcode() == kFormErr);
  CHECK(reply.has_opt());
}

TEST_CASE("more than one OPT, or one that isn't at the root, is FORMERR", "[answer][edns]") {
  const Served served;
  auto two = query({.name = kTestPoint, .edns = true});
  const Bytes opt(two.end() - 11, two.end());
  two.insert(two.end(), opt.begin(), opt.end());
  two[11] = 2;
  CHECK(served.ask(two).rcode() == kFormErr);

  auto elsewhere = query({.name = kTestPoint, .edns = true});
  const Bytes label{1, 'a'};
  elsewhere.insert(elsewhere.end() - 11, label.begin(), label.end());
  CHECK(served.ask(elsewhere).rcode() == kFormErr);
}

TEST_CASE("the OPT is found behind other additional records", "[answer][edns]") {
  const Served served;
  auto bytes = query({.name = kTestPoint, .edns = true});
  const Bytes record{1, 'a', 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 1};
  bytes.insert(bytes.end() - 11, record.begin(), record.end());
  bytes[11] = 2;
  const auto reply = served.ask(bytes);
  CHECK(reply.rcode() == kNoError);
  CHECK(reply.has_opt());
}

TEST_CASE("NSID is told if it is set and asked for", "[answer][edns][rfc5001]") {
  const Served named({}, zone_config(), "ns1-a");
  const Ask asks{.name = kTestPoint, .edns = true, .options = {0, 3, 0, 0}};
  CHECK(named.ask(asks).option(3) == Bytes{'n', 's', '1', '-', 'a'});
  CHECK(named.ask({.name = kTestPoint, .edns = true}).option(3).empty());
  CHECK(Served().ask(asks).option(3).empty());
}

TEST_CASE("keepalive is answered over TCP, in units of 100 ms, and ignored over UDP", "[answer][edns][rfc7828]") {
  const Served served;
  const Ask asks{.name = kTestPoint, .edns = true, .options = {0, 11, 0, 0}};
  CHECK(served.ask(asks, Transport::tcp).option(11) == Bytes{0, 100});
  CHECK(served.ask(asks, Transport::udp).option(11).empty());
  CHECK(served.ask({.name = kTestPoint, .edns = true}, Transport::tcp).option(11).empty());
}

TEST_CASE("an extended error is sent only to whoever has EDNS", "[answer][edns][rfc8914]") {
  const Served served;
  CHECK(served.ask({.name = "example.com", .edns = true}).ede() == 20);
  CHECK(served.ask({.name = "example.com"}).bytes().size() == query({.name = "example.com"}).size());
}
