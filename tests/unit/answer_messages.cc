// The message around the answer: header bits, malformed queries, opcodes, classes, transfers, truncation.
#include "answer_fixture.h"
#include "catch.h"

using namespace blowback;
using namespace blowback::test;
using answer::Outcome;
using answer::Transport;

namespace {

constexpr auto kTestPoint = "2.0.0.127.bl.example.org";

}  // namespace

TEST_CASE("id, RD and CD come back; RA, AD and Z don't", "[answer][header]") {
  const Served served;
  const auto reply = served.ask({.name = kTestPoint, .flags = 0x01f0});
  CHECK(ldns_pkt_id(reply.packet()) == 0x1234);
  CHECK(ldns_pkt_qr(reply.packet()));
  CHECK(ldns_pkt_aa(reply.packet()));
  CHECK(ldns_pkt_rd(reply.packet()));
  CHECK(ldns_pkt_cd(reply.packet()));
  CHECK_FALSE(ldns_pkt_ra(reply.packet()));
  CHECK_FALSE(ldns_pkt_ad(reply.packet()));
  CHECK((reply.bytes()[3] & 0x40U) == 0);
  const auto plain = served.ask({.name = kTestPoint});
  CHECK_FALSE(ldns_pkt_rd(plain.packet()));
  CHECK_FALSE(ldns_pkt_cd(plain.packet()));
}

TEST_CASE("the QNAME comes back in the case it was asked in, and in any case it is ours", "[answer][header]") {
  const Served served;
  const auto asked = query({.name = "2.0.0.127.bL.eXaMpLe.OrG"});
  const auto reply = served.ask(asked);
  CHECK(reply.rdata() == std::vector<std::string>{"127.0.0.2"});
  const std::vector<std::uint8_t> question(asked.begin() + 12, asked.end());
  CHECK(std::vector<std::uint8_t>(reply.bytes().begin() + 12,
                                  reply.bytes().begin() + static_cast<std::ptrdiff_t>(asked.size())) == question);
}

TEST_CASE("owner names in a reply are compressed", "[answer][header]") {
  const Served served;
  const auto asked = query({.name = kTestPoint});
  CHECK(served.ask(asked).bytes().size() == asked.size() + 16);
}

TEST_CASE("less than a header, and any response, gets no reply", "[answer][form]") {
  const Served served;
  const auto whole = query({.name = kTestPoint});
  for (std::size_t size = 0; size < 12; ++size) {
    const auto answer = served.raw(std::span(whole).first(size));
    CHECK(answer.reply.empty());
    CHECK(answer.outcome == Outcome::dropped);
  }
  CHECK(served.raw(query({.name = kTestPoint, .flags = 0x8000})).reply.empty());
  CHECK(served.raw(query({.name = kTestPoint, .flags = 0xa800})).reply.empty());
}

TEST_CASE("another opcode is NOTIMP before anything else is read", "[answer][form]") {
  const unsigned opcode = GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 15U);
  CAPTURE(opcode);
  const Served served;
  auto bytes = query({.name = kTestPoint, .flags = opcode << 11U});
  bytes.resize(GENERATE(std::size_t{12}, std::size_t{20}));
  const auto reply = served.ask(bytes);
  CHECK(reply.rcode() == kNotImp);
  // By the octet: ldns's enum doesn't have every value that the four bits can hold.
  CHECK(((static_cast<unsigned>(reply.bytes()[2]) >> 3U) & 0xfU) == opcode);
  CHECK(reply.bytes().size() == 12);
}

TEST_CASE("a query that is cut off after its header is FORMERR", "[answer][form]") {
  const Served served;
  const auto whole = query({.name = kTestPoint, .edns = true, .options = {0, 3, 0, 0}});
  for (std::size_t size = 12; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto reply = served.ask(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    CHECK(reply.rcode() == kFormErr);
  }
  CHECK(served.ask(whole).rcode() == kNoError);
}

TEST_CASE("data after the last record is FORMERR", "[answer][form]") {
  const Served served;
  auto bytes = query({.name = kTestPoint});
  bytes.push_back(0);
  CHECK(served.ask(bytes).rcode() == kFormErr);
}

TEST_CASE("a query has one question, no answers and no authority", "[answer][form]") {
  const Served served;
  const std::size_t count_at = GENERATE(4U, 6U, 8U);
  CAPTURE(count_at);
  auto bytes = query({.name = kTestPoint});
  if (count_at == 4) {
    const auto question = Bytes(bytes.begin() + 12, bytes.end());
    bytes.insert(bytes.end(), question.begin(), question.end());
    bytes[5] = 2;
  } else {
    bytes[count_at + 1] = 1;
    // A whole record, so that it is the count alone that is wrong.
    for (const auto octet : Bytes{0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1}) bytes.push_back(octet);
  }
  CHECK(served.ask(bytes).rcode() == kFormErr);
  Bytes none(12, 0);
  CHECK(served.ask(none).rcode() == kFormErr);
}

TEST_CASE("a compression pointer or a reserved label type in the QNAME is FORMERR", "[answer][form]") {
  const Served served;
  const auto bytes = GENERATE(Bytes{0xc0, 12}, Bytes{0x41, 'a', 0}, Bytes{0x81, 'a', 0}, Bytes{1, 'a', 0xc0, 12});
  auto message = Bytes{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  message.insert(message.end(), bytes.begin(), bytes.end());
  for (const auto octet : {0, 1, 0, 1}) message.push_back(static_cast<std::uint8_t>(octet));
  CHECK(served.ask(message).rcode() == kFormErr);
}

TEST_CASE("a QNAME of 255 octets is read, one of 256 isn't", "[answer][form]") {
  const Served served;
  const auto length = GENERATE(61U, 62U);
  Bytes message{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  for (const unsigned label : {63U, 63U, 63U, length}) {
    message.push_back(static_cast<std::uint8_t>(label));
    message.insert(message.end(), label, 'a');
  }
  for (const auto octet : {0, 0, 1, 0, 1}) message.push_back(static_cast<std::uint8_t>(octet));
  CHECK(served.ask(message).rcode() == (length == 61 ? kRefused : kFormErr));
}

TEST_CASE("classes other than IN are refused", "[answer][class]") {
  const unsigned klass = GENERATE(0U, 3U, 4U, 254U, 255U);
  const auto name = GENERATE(as<std::string>{}, "version.bind", "id.server", kTestPoint);
  const Served served;
  const auto reply = served.ask({.name = name, .type = LDNS_RR_TYPE_TXT, .klass = klass, .edns = true});
  CHECK(reply.rcode() == kRefused);
  CHECK(reply.ede() == 20);
}

TEST_CASE("transfers are refused, by UDP and TCP, with the client's SOA or without", "[answer][transfer]") {
  const unsigned type = GENERATE(unsigned{LDNS_RR_TYPE_AXFR}, unsigned{LDNS_RR_TYPE_IXFR});
  const auto transport = GENERATE(Transport::udp, Transport::tcp);
  const Served served;
  const auto reply = served.ask({.name = "bl.example.org", .type = type, .edns = true}, transport);
  CHECK(reply.rcode() == kRefused);
  CHECK(reply.ede() == 18);
  if (type == LDNS_RR_TYPE_IXFR) {
    auto bytes = query({.name = "bl.example.org", .type = type});
    bytes[9] = 1;
    const auto owner = wire("bl.example.org");
    bytes.insert(bytes.end(), owner.begin(), owner.end());
    for (const auto octet : {0, 6, 0, 1, 0, 0, 0, 0, 0, 22}) bytes.push_back(static_cast<std::uint8_t>(octet));
    bytes.insert(bytes.end(), 22, 0);
    CHECK(served.ask(bytes, transport).rcode() == kRefused);
  }
}

TEST_CASE("a reply too large for UDP is reduced to the question, and complete over TCP", "[answer][truncation]") {
  auto settings = zone_config();
  settings.nameservers.clear();
  for (int i = 0; i < 13; ++i)
    settings.nameservers.push_back(std::string(60, 'n') + ".ns" + std::to_string(i) + ".example.org");
  const Served served({}, settings);
  const Ask ask{.name = "bl.example.org", .type = LDNS_RR_TYPE_NS};
  const auto cut = served.ask(ask);
  CHECK(ldns_pkt_tc(cut.packet()));
  CHECK(cut.answers().empty());
  CHECK(cut.bytes().size() == query(ask).size());
  CHECK(served.raw(query(ask)).truncated);
  auto with_edns = ask;
  with_edns.edns = true;
  with_edns.payload = GENERATE(0U, 511U, 512U, 600U);
  const auto small = served.ask(with_edns);
  CHECK(ldns_pkt_tc(small.packet()));
  CHECK(small.has_opt());
  CHECK(small.bytes().size() <= 512);
  with_edns.payload = 4096;
  const auto whole = served.ask(with_edns);
  CHECK(ldns_pkt_tc(whole.packet()) == (whole.answers().empty()));
  CHECK(whole.bytes().size() <= 1232);
  const auto tcp = served.ask(ask, Transport::tcp);
  CHECK_FALSE(ldns_pkt_tc(tcp.packet()));
  CHECK(tcp.answers().size() == 13);
}

TEST_CASE("each outcome has a name of its own", "[answer]") {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < answer::kOutcomes; ++i) names.push_back(answer::name_of(static_cast<Outcome>(i)));
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK_FALSE(names.front().empty());
}

TEST_CASE("a zone that can't be put on the wire is refused with its key", "[answer][config]") {
  auto settings = zone_config();
  settings.hostmaster = std::string(64, 'x') + "@example.org";
  const auto bad = answer::ServedZone::of(settings, {}, {});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().find("zone.hostmaster") != std::string::npos);
}
