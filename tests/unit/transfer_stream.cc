// A transfer has the records of the exported zone file, no more and no less.
#include "transfer_fixture.h"

#include <random>

using namespace blowback;
using namespace blowback::test;

namespace {

constexpr auto kApex = "bl.example.org";

struct RandomList {
  std::vector<Listing> listings;
  std::vector<Exemption> exemptions;
};

/// Addresses and networks of both families near each other, so that names share labels.
RandomList random_list(unsigned seed, int count) {
  std::mt19937 random(seed);
  const auto to = [&](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };
  const auto prefix = [&] {
    IpAddress::Octets octets{};
    if (to(1) == 0) {
      const auto address = IpAddress::from_v4(to(3) << 24U | to(200) << 16U | to(2) << 8U | to(255));
      return Prefix::covering(address, to(3) == 0 ? static_cast<int>(20 + to(12)) : 32);
    }
    octets[0] = 0x20;
    octets[1] = static_cast<std::uint8_t>(to(2));
    for (std::size_t i = 6; i < 16; ++i) octets[i] = static_cast<std::uint8_t>(to(1) == 0 ? 0 : to(255));
    return Prefix::covering(IpAddress::from_octets(octets), to(1) == 0 ? static_cast<int>(44 + to(84)) : 64);
  };
  RandomList list;
  for (int i = 0; i < count; ++i) {
    list.listings.push_back(listed(prefix().to_string(), CodeSet::from_bits(to(126) + 1), std::nullopt,
                                   to(1) == 0 ? Source::automatic : Source::by_operator));
    if (to(9) == 0) list.exemptions.push_back(exempt(prefix().to_string()));
  }
  // Of one network and source the last holds, in the index as in a database.
  std::ranges::stable_sort(list.listings, {}, [](const Listing& each) { return std::pair(each.prefix, each.source); });
  const auto same =
      std::ranges::unique(list.listings, {}, [](const Listing& each) { return std::pair(each.prefix, each.source); });
  list.listings.erase(same.begin(), same.end());
  return list;
}

}  // namespace

TEST_CASE("a transfer has exactly the records of the exported zone file, between two equal SOAs", "[transfer]") {
  for (unsigned seed = 1; seed <= 9; ++seed) {
    CAPTURE(seed);
    const auto list = random_list(seed, seed % 3 == 0 ? 3 : 150);
    auto settings = zone_with_hosts();
    // Some zones have all codes, some one, and some several.
    if (seed % 3 != 0) settings.codes = CodeSet::from_bits(seed % 2 == 0 ? 1U << seed % 7 : 37 * seed % 127 + 1);
    const Transferable served(index_of(list.listings, list.exemptions, 0x1'0000'0000 + seed), settings);
    const auto messages = served.messages({.name = kApex, .type = LDNS_RR_TYPE_AXFR});
    for (const auto& message : messages) CHECK(message.size() <= transfer::kLongestMessage);
    auto records = records_of(messages);
    REQUIRE(records.size() > 2);
    CHECK(records.front().find("SOA") != std::string::npos);
    CHECK(records.front() == records.back());
    records.pop_back();
    std::ranges::sort(records);
    CHECK(records == records_of_export(settings, list.listings, list.exemptions, 0x1'0000'0000 + seed));
  }
}

TEST_CASE("a long list takes many messages, each nearly full, and each a reply to the question", "[transfer]") {
  std::vector<Listing> listings;
  for (unsigned i = 0; i < 5'000; ++i) listings.push_back(listed(IpAddress::from_v4(0xc6000000U + 7 * i).to_string()));
  const Transferable served(index_of(listings));
  const auto messages = served.messages({.name = "BL.example.ORG", .type = LDNS_RR_TYPE_AXFR, .flags = 0x0100});
  REQUIRE(messages.size() > 20);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto& message = messages[i];
    CHECK(message.size() > (i + 1 < messages.size() ? transfer::kLongestMessage - 1'024 : 0));
    const Reply reply(message);
    CHECK(ldns_pkt_id(reply.packet()) == 0x1234);
    CHECK(ldns_pkt_rd(reply.packet()));
    CHECK(reply.records(LDNS_SECTION_QUESTION) == std::vector<std::string>{"BL.example.ORG.\tIN\tAXFR"});
    CHECK_FALSE(reply.has_opt());
  }
  CHECK(records_of(messages).size() == 2 + 2 + 2 * 2 * kAllCodes.size() + 2 * listings.size());
}

TEST_CASE("names are compressed: an address beside the last one costs little", "[transfer]") {
  std::vector<Listing> listings;
  for (unsigned i = 0; i < 1'000; ++i) listings.push_back(listed(IpAddress::from_v4(0xc6336400U + i).to_string()));
  auto zone = zone_config();
  zone.txt = "x";
  std::size_t size = 0;
  for (const auto& message :
       Transferable(index_of(listings), zone).messages({.name = kApex, .type = LDNS_RR_TYPE_AXFR}))
    size += message.size();
  // Last label and pointer, A; pointer, TXT of one octet.
  CHECK(size < 1'000 * (6 + 14 + 2 + 12) + 2'500);
}

TEST_CASE("only the first message of a transfer has an OPT, if the query has one", "[transfer][edns]") {
  std::vector<Listing> listings;
  for (unsigned i = 0; i < 1'000; ++i) listings.push_back(listed(IpAddress::from_v4(0xc6000000U + 7 * i).to_string()));
  const auto messages =
      Transferable(index_of(listings)).messages({.name = kApex, .type = LDNS_RR_TYPE_AXFR, .edns = true});
  REQUIRE(messages.size() > 2);
  CHECK(Reply(messages[0]).has_opt());
  CHECK_FALSE(Reply(messages[1]).has_opt());
}

TEST_CASE("a transfer leaves out what has ended by the time of its version", "[transfer]") {
  Transferable served(index_of({listed("192.0.2.1", Code::dsn, kNow + std::chrono::seconds{1}), listed("192.0.2.2")}));
  const auto count = [&](UnixTime as_of) {
    served.view.as_of = as_of;
    return records_of(served.messages({.name = kApex, .type = LDNS_RR_TYPE_AXFR})).size();
  };
  CHECK(count(kNow) == count(kNow + std::chrono::seconds{1}) + 2);
}

namespace {

/// The messages of an IXFR from the version `before`, whose list was the other's.
std::vector<Bytes> difference(const Transferable& before, const Transferable& after, std::vector<Prefix> changed) {
  const auto wire = query({.name = kApex, .type = LDNS_RR_TYPE_AXFR});
  auto request = answer::read_transfer_request(
      {.message = wire, .client = kClient, .transport = answer::Transport::tcp}, after.zones, kNow);
  transfer::ZoneStream stream(
      after.view, std::move(request).value(), before.view,
      std::make_unique<transfer::ZoneDifference>(
          transfer::ZoneVersion{
              .index = *before.view.index, .at = before.view.as_of, .codes = before.zones.main().codes},
          transfer::ZoneVersion{.index = *after.view.index, .at = after.view.as_of, .codes = after.zones.main().codes},
          std::move(changed)));
  CHECK(stream.is_incremental());
  std::vector<Bytes> messages;
  Bytes message(transfer::kLongestMessage);
  while (const auto size = stream.next(message, kNow))
    messages.emplace_back(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
  return messages;
}

std::vector<std::string> sorted_without_soa(std::vector<std::string> records) {
  std::erase_if(records, [](const std::string& record) { return record.find("SOA") != std::string::npos; });
  std::ranges::sort(records);
  return records;
}

}  // namespace

TEST_CASE("a difference has exactly the records that one version has and the other hasn't", "[transfer][ixfr]") {
  for (unsigned seed = 1; seed <= 9; ++seed) {
    CAPTURE(seed);
    const int count = seed % 3 == 0 ? 3 : 80;
    const auto one = random_list(seed, count);
    auto other = random_list(seed + 1000, count / 10 + 1);
    std::vector<Prefix> changed;
    for (const auto& each : other.listings) changed.push_back(each.prefix);
    for (const auto& each : other.exemptions) changed.push_back(each.prefix);
    // The other list has most of the first one's entries.
    for (std::size_t i = 0; i < one.listings.size(); ++i) {
      const auto& each = one.listings[i];
      const bool is_replaced = std::ranges::any_of(other.listings, [&](const Listing& listing) {
        return listing.prefix == each.prefix && listing.source == each.source;
      });
      if (i % 20 == 0 || is_replaced) {
        changed.push_back(each.prefix);
      } else {
        other.listings.push_back(each);
      }
    }
    for (const auto& each : one.exemptions) changed.push_back(each.prefix);
    const Transferable before(index_of(one.listings, one.exemptions, 7), zone_with_hosts());
    const Transferable after(index_of(other.listings, other.exemptions, 9), zone_with_hosts());
    const auto records = records_of(difference(before, after, changed));
    std::vector<std::size_t> soas;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (records[i].find("SOA") != std::string::npos) soas.push_back(i);
    }
    REQUIRE(soas.size() == 4);
    CHECK(soas[0] == 0);
    CHECK(soas[1] == 1);
    CHECK(soas[3] + 1 == records.size());
    CHECK(records[0].find(" 9 ") != std::string::npos);
    CHECK(records[1].find(" 7 ") != std::string::npos);
    CHECK(records[soas[2]] == records[0]);
    CHECK(records.back() == records[0]);
    const auto old_zone = sorted_without_soa(records_of(before.messages({.name = kApex, .type = LDNS_RR_TYPE_AXFR})));
    const auto new_zone = sorted_without_soa(records_of(after.messages({.name = kApex, .type = LDNS_RR_TYPE_AXFR})));
    std::vector<std::string> removed;
    std::vector<std::string> added;
    std::ranges::set_difference(old_zone, new_zone, std::back_inserter(removed));
    std::ranges::set_difference(new_zone, old_zone, std::back_inserter(added));
    const auto at = [&](std::size_t place) { return records.begin() + static_cast<std::ptrdiff_t>(place); };
    CHECK(sorted_without_soa({at(soas[1]), at(soas[2])}) == removed);
    CHECK(sorted_without_soa({at(soas[2]), at(soas[3])}) == added);
  }
}
