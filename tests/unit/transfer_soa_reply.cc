// Which serial a reply to a query for the SOA names.
#include "transfer/soa_reply.h"
#include "transfer_fixture.h"

#include <string>

using namespace blowback;
using namespace blowback::test;
using transfer::read_soa_reply;
using transfer::soa_query;

namespace {

constexpr std::uint16_t kId = 0x1234;

const Bytes& apex() {
  static const Bytes kApex = Transferable({}).zones.main().apex;
  return kApex;
}

/// Our own server's reply, with its compressed names.
Bytes reply_of(Serial serial = 7, bool stale = false) {
  const Transferable source(index_of({}, {}, serial));
  auto view = view_of(index_of({}, {}, serial), stale);
  const auto query = soa_query(kId, source.zones.main().apex);
  Bytes reply(answer::kLongestTcpReply);
  const answer::Asked asked{.message = query, .client = kClient, .transport = answer::Transport::udp};
  reply.resize(answer::answer(asked, source.zones, view, {kNow, {}}, nullptr, reply).size);
  REQUIRE(reply.size() > 12);
  return reply;
}

}  // namespace

TEST_CASE("the serial in a server's answer is read, and only from the answer to the query", "[transfer][soa]") {
  const auto good = reply_of(4'000'000'001);
  CHECK(read_soa_reply(good, kId, apex()).value().serial == 4'000'000'001U);
  CHECK(read_soa_reply(good, kId, apex()).value().rcode == 0);
  CHECK_FALSE(read_soa_reply(good, kId + 1, apex()));
  auto changed = good;
  changed[2] &= 0x7fU;  // a query
  CHECK_FALSE(read_soa_reply(changed, kId, apex()));
  changed = good;
  changed[2] |= 0x20U;  // NOTIFY
  CHECK_FALSE(read_soa_reply(changed, kId, apex()));
  changed = good;
  changed[13] ^= 1U;  // another name
  CHECK_FALSE(read_soa_reply(changed, kId, apex()));
  changed = good;
  changed[13] ^= 0x20U;  // RFC 4343: the same name
  CHECK(read_soa_reply(changed, kId, apex()).value().serial == 4'000'000'001U);
}

TEST_CASE("an error, or an answer that isn't authoritative, names no serial", "[transfer][soa]") {
  const auto good = reply_of();
  auto changed = good;
  changed[3] = 5;
  CHECK(read_soa_reply(changed, kId, apex()).value().rcode == 5);
  CHECK_FALSE(read_soa_reply(changed, kId, apex()).value().serial);
  changed = good;
  changed[2] &= 0xfbU;  // AA
  CHECK_FALSE(read_soa_reply(changed, kId, apex()).value().serial);
  changed = good;
  changed[2] |= 0x02U;  // TC
  CHECK_FALSE(read_soa_reply(changed, kId, apex()).value().serial);
  changed = good;
  changed[7] = 0;  // no answer
  CHECK_FALSE(read_soa_reply(changed, kId, apex()).value().serial);
  // FORMERR with the header alone.
  changed.assign(good.begin(), good.begin() + 12);
  changed[3] = 1;
  changed[5] = 0;
  CHECK(read_soa_reply(changed, kId, apex()).value().rcode == 1);
}

TEST_CASE("a reply that ends anywhere, or with any octet changed, is read without a fault", "[transfer][soa]") {
  const auto good = reply_of();
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    // At its exact size, so that AddressSanitizer sees a read beyond it.
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    const auto reply = read_soa_reply(cut, kId, apex());
    CHECK_FALSE((reply && reply->serial));
  }
  for (std::size_t at = 12; at < good.size(); ++at) {
    for (const unsigned octet : {0x00U, 0x3fU, 0x40U, 0xc0U, 0xffU}) {
      Bytes changed = good;
      changed[at] = static_cast<std::uint8_t>(octet);
      static_cast<void>(read_soa_reply(changed, kId, apex()));
    }
  }
}
