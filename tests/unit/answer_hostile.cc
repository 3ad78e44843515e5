// Any bytes: silence or a well-formed reply, never a crash. Run it under a sanitizer to make it count.
#include "answer_fixture.h"
#include "catch.h"

#include <random>

using namespace blowback;
using namespace blowback::test;
using answer::Outcome;
using answer::Transport;

namespace {

void check_whatever(const Served& served, const Bytes& bytes, Transport transport) {
  // A copy of the exact size: an overrun shows.
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  const auto answer = served.raw({exact.get(), bytes.size()}, transport);
  if (answer.reply.empty()) {
    if (answer.outcome != Outcome::dropped) FAIL("silence has another outcome");
    return;
  }
  const auto& reply = answer.reply;
  if (reply.size() < 12 || reply[0] != bytes[0] || reply[1] != bytes[1] || (reply[2] & 0x80U) == 0)
    FAIL("no reply to it");
  if (transport == Transport::udp && reply.size() > 1232) FAIL("larger than we promise");
  ldns_pkt* packet = nullptr;
  const auto status = ldns_wire2pkt(&packet, reply.data(), reply.size());
  if (status != LDNS_STATUS_OK) FAIL("ldns can't read the reply: " << ldns_get_errorstr_by_id(status));
  ldns_pkt_free(packet);
}

}  // namespace

TEST_CASE("random octets get silence or a well-formed reply with their id", "[answer][hostile]") {
  std::mt19937 random(11);
  const Served served(index_of({listed("192.0.2.0/24"), listed("2001:db8::/64")}), zone_config(), "ns1");
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes(random() % 100);
    for (auto& octet : bytes) octet = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 4);
    check_whatever(served, bytes, i % 2 == 0 ? Transport::udp : Transport::tcp);
  }
}

TEST_CASE("queries with a few octets changed, cut or added get silence or a well-formed reply", "[answer][hostile]") {
  std::mt19937 random(12);
  const Served served(index_of({listed("192.0.2.0/24"), listed("2001:db8::/64")}), zone_config(), "ns1");
  const std::vector<Bytes> seeds{
      query({.name = "1.2.0.192.bl.example.org", .edns = true, .options = {0, 3, 0, 0, 0, 11, 0, 0}}),
      query({.name = name_of(ip("2001:db8::1")), .type = LDNS_RR_TYPE_TXT, .edns = true, .dnssec_ok = true}),
      query({.name = "bl.example.org", .type = LDNS_RR_TYPE_SOA}),
      query({.name = "192.bl.example.org", .type = LDNS_RR_TYPE_ANY})};
  for (int i = 0; i < 60'000; ++i) {
    auto bytes = seeds[random() % seeds.size()];
    for (auto changes = random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 8));
    check_whatever(served, bytes, i % 2 == 0 ? Transport::udp : Transport::tcp);
  }
}
