// Callouts of listed clients are dropped; everything else stays.
#include "catch.h"
#include "record/listed_callers.h"

#include <chrono>
#include <string>
#include <vector>

using namespace blowback;
using namespace std::chrono_literals;

namespace {

feed::Item item(const std::string& where, TrapDelivery::Event event, std::optional<IpAddress> client) {
  TrapDelivery delivery;
  delivery.event = event;
  delivery.client = client;
  return {.where = where, .content = delivery};
}

}  // namespace

TEST_CASE("callouts of listed clients are dropped, and nothing else", "[record][callout]") {
  using enum TrapDelivery::Event;
  const auto listed = *IpAddress::parse("192.0.2.1");
  const auto other = *IpAddress::parse("192.0.2.2");
  feed::Chunk chunk;
  chunk.position = "here";
  chunk.items = {item("1", callout, listed), item("2", message, listed),       item("3", callout, other),
                 item("4", callout, listed), item("5", callout, std::nullopt), {"6", feed::Unreadable{}}};
  std::vector<IpAddress> asked;
  CHECK(record::remove_listed_callers(chunk, [&](const IpAddress& client, UnixTime) {
          asked.push_back(client);
          return client == listed;
        }) == 2);
  std::string left;
  for (const auto& one : chunk.items) left += one.where;
  CHECK(left == "2356");
  CHECK(chunk.position == "here");
  CHECK(asked == std::vector{listed, other});
}

TEST_CASE("a client may have been refused while it was listed, and for as long as answers are cached",
          "[record][callout]") {
  constexpr UnixTime kListed{1'795'600'000s};
  constexpr auto kTtl = 300s;
  constexpr auto kCached = kTtl + 1h;
  const auto prefix = *Prefix::parse("192.0.2.1");
  schema::Dossier client{.asked = *IpAddress::parse("192.0.2.1"), .sender = prefix};
  const auto refused = [&](UnixTime at) { return record::may_have_been_refused(client, at, kTtl); };
  CHECK_FALSE(refused(kListed));
  SECTION("by a listing in force") {
    Listing listing;
    listing.prefix = prefix;
    listing.listed_at = kListed;
    listing.expires_at = kListed + 24h;
    client.listings = {listing};
    CHECK_FALSE(refused(kListed - 1s));
    CHECK(refused(kListed));
    CHECK(refused(kListed + 24h + kCached - 1s));
    CHECK_FALSE(refused(kListed + 24h + kCached));
  }
  SECTION("by one that ended since") {
    ListingChange began;
    began.action = ListingChange::Action::listed;
    began.prefix = prefix;
    began.at = kListed;
    began.serial = 1;
    auto ended = began;
    ended.action = ListingChange::Action::delisted;
    ended.at = kListed + 1h;
    ended.serial = 2;
    client.history = {ended, began};
    CHECK_FALSE(refused(kListed - 1s));
    CHECK(refused(kListed));
    CHECK(refused(kListed + 1h + kCached - 1s));
    CHECK_FALSE(refused(kListed + 1h + kCached));
  }
}
