// A datagram of any octets: the quick paths and the plain one give the same reply, or none. The reply is well formed in
// everything that clients rely on. The first octet chooses transport, state of the list, zone and rate limit.
#include "answer/answer.h"
#include "answer/transfer_request.h"
#include "zone/listing_index.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

using namespace blowback;

namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};

/// The zone, and another one with chosen codes.
answer::ServedZones zones_of(const std::string& name, const std::vector<std::string>& nameservers,
                             const std::string& text) {
  config::Zone zone;
  zone.name = name;
  zone.nameservers = nameservers;
  // If the name server is in the zone, the zone has its addresses.
  if (nameservers.front().ends_with("." + name)) {
    zone.nameserver_addresses = {{nameservers.front(), IpAddress::parse("192.0.2.53").value()},
                                 {nameservers.front(), IpAddress::parse("2001:db8::53").value()}};
  }
  zone.hostmaster = "host.master@" + name;
  zone.txt = text;
  auto chosen = zone;
  chosen.name = "m." + name.substr(name.find('.') + 1);
  chosen.nameserver_addresses.clear();
  chosen.codes = CodeSet(Code::mdn) | Code::challenge;
  config::Server server;
  server.nsid = "somewhere";
  server.transfer.keys = {{.name = "k", .secret_file = "", .secret = std::vector<std::uint8_t>(32, 7)}};
  return answer::ServedZones::of(std::vector{zone, chosen}, server, {}).value();
}

zone::View list() {
  zone::ListingIndex::Builder builder(kNow);
  const auto add = [&](const char* prefix, CodeSet codes) {
    Listing listing;
    listing.prefix = Prefix::parse(prefix).value();
    listing.codes = codes;
    builder.add(listing);
  };
  add("192.0.2.1", Code::dsn);
  add("192.0.2.128/25", CodeSet::from_bits(127));
  add("192.0.3.0/24", Code::mdn);
  add("2001:db8::/64", Code::challenge);
  Exemption exemption;
  exemption.prefix = Prefix::parse("192.0.2.130").value();
  builder.add(exemption);
  constexpr Serial kSerial = 0x1'8234'5678;
  return {.index = std::make_shared<const zone::ListingIndex>(builder.finish(kSerial)),
          .stale = false,
          .serial = kSerial,
          .as_of = kNow};
}

struct World {
  std::array<answer::ServedZones, 2> zones{
      zones_of("bl.example.org", {"ns1.example.org"}, "Backscatter from {ip}, see https://bl.example.org/{ip}"),
      zones_of("1.test", {"ns.1.test", "2.0.1.test"}, std::string(220, 'x') + "{ip}{ip}")};
  std::array<zone::View, 3> views{list(), zone::View{.index = list().index, .stale = true, .serial = 1, .as_of = kNow},
                                  zone::View{}};
};

/// What every client needs of a reply: the query's id, QR, its opcode, and sections that end where the reply does.
void must_be_a_reply(const std::vector<std::uint8_t>& query, const std::uint8_t* reply, std::size_t size) {
  if (size < 12 || query.size() < 12) std::abort();
  if (reply[0] != query[0] || reply[1] != query[1] || (reply[2] & 0xf8U) != (0x80U | (query[2] & 0x78U))) std::abort();
  const auto u16 = [&](std::size_t at) {
    if (at + 2 > size) std::abort();
    return static_cast<std::size_t>((reply[at] << 8U) | reply[at + 1]);
  };
  std::size_t at = 12;
  const auto pass_name = [&] {
    for (;;) {
      if (at >= size) std::abort();
      const std::size_t length = reply[at];
      if (length >= 0xc0) {
        if ((u16(at) & 0x3fffU) >= at) std::abort();
        at += 2;
        return;
      }
      at += 1 + length;
      if (length == 0) return;
    }
  };
  for (std::size_t questions = u16(4); questions > 0; --questions) {
    pass_name();
    at += 4;
  }
  for (std::size_t records = u16(6) + u16(8) + u16(10); records > 0; --records) {
    pass_name();
    at += 8;
    const auto length = u16(at);
    at += 2 + length;
  }
  if (at != size) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  if (size == 0) return 0;
  const unsigned choice = data[0];
  // A copy of exactly this size, so that AddressSanitizer detects reads beyond the end.
  const std::vector<std::uint8_t> message(data + 1, data + size);
  const answer::Asked asked{message, IpAddress::from_v4(0xc6336401U),
                            (choice & 1U) != 0 ? answer::Transport::tcp : answer::Transport::udp};
  const auto& zone = world.zones.at(choice >> 1U & 1U);
  const auto& view = world.views.at((choice >> 2U & 3U) % 3);
  const config::RateLimit limit{.responses = 1, .slip = static_cast<int>(choice >> 5U & 3U), .table = 4};
  static std::vector<std::uint8_t> quick(answer::kLongestTcpReply);
  static std::vector<std::uint8_t> plain(answer::kLongestTcpReply);
  answer::RateLimiter quick_limit(limit, {});
  answer::RateLimiter plain_limit(limit, {});
  const bool limited = (choice & 0x10U) != 0;
  for (int i = 0; i < (limited ? 3 : 1); ++i) {
    const auto one = answer::answer(asked, zone, view, {kNow, {}}, limited ? &quick_limit : nullptr, quick);
    const auto other = answer::answer_plainly(asked, zone, view, {kNow, {}}, limited ? &plain_limit : nullptr, plain);
    if (one != other ||
        !std::equal(quick.begin(), quick.begin() + static_cast<std::ptrdiff_t>(one.size), plain.begin())) {
      std::abort();
    }
    // The zone follows, and the query says how to begin.
    if (one.outcome == answer::Outcome::transfer &&
        (one.size != 0 || !answer::read_transfer_request(asked, zone, kNow)))
      std::abort();
    if (one.size != 0) must_be_a_reply(message, quick.data(), one.size);
    if (asked.transport == answer::Transport::udp && one.size > answer::kLongestUdpReply) std::abort();
  }
  return 0;
}
