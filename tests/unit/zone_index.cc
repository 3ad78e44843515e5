// Single cases; zone_index_agrees.cc compares the index with a model.
#include "catch.h"
#include "zone_fixture.h"

#include <array>
#include <chrono>
#include <cstdint>

using namespace blowback;
using namespace blowback::test;
using zone::ListingIndex;

TEST_CASE("an empty index lists nobody and has serial 0", "[zone]") {
  const ListingIndex index;
  CHECK(index.serial() == 0);
  CHECK(index.codes_at(ip("192.0.2.1"), kNow).empty());
  CHECK_FALSE(index.anything_within(net("0.0.0.0/0"), kNow));
  CHECK_FALSE(index.anything_within(net("::/0"), kNow));
}

TEST_CASE("an address has the codes of all listings that cover it", "[zone]") {
  const auto index = index_of({listed("192.0.2.0/24", Code::by_operator, {}, Source::by_operator),
                               listed("192.0.2.1", CodeSet(Code::dsn) | Code::mdn),
                               listed("192.0.2.1", Code::by_operator, {}, Source::by_operator)});
  CHECK(index.codes_at(ip("192.0.2.1"), kNow) == (CodeSet(Code::dsn) | Code::mdn | Code::by_operator));
  CHECK(index.codes_at(ip("192.0.2.2"), kNow) == CodeSet(Code::by_operator));
  CHECK(index.codes_at(ip("192.0.3.1"), kNow).empty());
}

TEST_CASE("an exemption takes its addresses off the list, whether wider or narrower than the listing", "[zone]") {
  const auto index = index_of({listed("198.51.100.7"), listed("203.0.113.0/24")},
                              {exempt("198.51.100.0/24"), exempt("203.0.113.128/25")});
  CHECK(index.codes_at(ip("198.51.100.7"), kNow).empty());
  CHECK(index.codes_at(ip("203.0.113.200"), kNow).empty());
  CHECK_FALSE(index.codes_at(ip("203.0.113.1"), kNow).empty());
}

TEST_CASE("nothing exists under an exempt /24 in a listed /16", "[zone][rfc8020]") {
  const auto index = index_of({listed("198.18.0.0/16")}, {exempt("198.18.5.0/24")});
  CHECK(index.anything_within(net("198.0.0.0/8"), kNow));
  CHECK(index.anything_within(net("198.18.0.0/16"), kNow));
  CHECK(index.anything_within(net("198.18.4.0/24"), kNow));
  CHECK_FALSE(index.anything_within(net("198.18.5.0/24"), kNow));
  CHECK_FALSE(index.anything_within(net("198.18.5.16/28"), kNow));
}

TEST_CASE("several exemptions that together cover a listing leave nothing of it", "[zone]") {
  const auto halves = index_of({listed("198.18.0.0/24")}, {exempt("198.18.0.0/25"), exempt("198.18.0.128/25")});
  CHECK_FALSE(halves.anything_within(net("198.18.0.0/16"), kNow));
  const auto gap = index_of({listed("198.18.0.0/24")}, {exempt("198.18.0.0/25"), exempt("198.18.0.128/26")});
  CHECK(gap.anything_within(net("198.18.0.0/16"), kNow));
}

TEST_CASE("an IPv6 network that spans the IPv4-mapped range isn't confused by IPv4 entries", "[zone]") {
  const auto index = index_of({listed("192.0.2.1"), listed("::/64")}, {exempt("::/64")});
  CHECK_FALSE(index.anything_within(net("::/16"), kNow));
  CHECK(index.anything_within(net("0.0.0.0/0"), kNow));
  CHECK(index.codes_at(ip("::ffff:192.0.2.1"), kNow) == CodeSet(Code::dsn));
}

TEST_CASE("a listing isn't served from the second of its expiry on, even if it wasn't removed yet", "[zone]") {
  const auto end = kNow + std::chrono::hours{1};
  const auto index = index_of({listed("192.0.2.1", Code::dsn, end)});
  CHECK_FALSE(index.codes_at(ip("192.0.2.1"), end - std::chrono::seconds{1}).empty());
  CHECK(index.anything_within(net("192.0.0.0/8"), end - std::chrono::seconds{1}));
  CHECK(index.codes_at(ip("192.0.2.1"), end).empty());
  CHECK_FALSE(index.anything_within(net("192.0.0.0/8"), end));
  CHECK(index.size() == 1);
  CHECK(index.without_ended(end).size() == 0);
}

TEST_CASE("an exemption that has ended exempts nobody", "[zone]") {
  const auto end = kNow + std::chrono::hours{1};
  const auto index = index_of({listed("192.0.2.1")}, {exempt("192.0.2.0/24", end)});
  CHECK(index.codes_at(ip("192.0.2.1"), kNow).empty());
  CHECK_FALSE(index.codes_at(ip("192.0.2.1"), end).empty());
}

TEST_CASE("each action of the journal has its effect on the index", "[zone]") {
  using Action = ListingChange::Action;
  Serial serial = 1;
  const auto change = [&](Action action, const char* prefix, CodeSet codes = {}) {
    ListingChange made;
    made.serial = ++serial;
    made.at = kNow;
    made.action = action;
    made.prefix = net(prefix);
    made.codes = codes;
    return made;
  };
  auto index = index_of({listed("192.0.2.1")});
  const auto apply = [&](const ListingChange& made) { index = index.with(std::vector{made}); };
  const auto codes = [&] { return index.codes_at(ip("192.0.2.1"), kNow); };

  apply(change(Action::prolonged, "192.0.2.1", CodeSet(Code::dsn) | Code::mdn));
  CHECK(codes() == (CodeSet(Code::dsn) | Code::mdn));
  apply(change(Action::exempted, "192.0.2.0/24"));
  CHECK(codes().empty());
  apply(change(Action::exemption_ended, "192.0.2.0/24"));
  CHECK(codes() == (CodeSet(Code::dsn) | Code::mdn));
  apply(change(Action::delisted, "192.0.2.1"));
  CHECK(codes().empty());
  apply(change(Action::listed, "192.0.2.1", Code::challenge));
  CHECK(codes() == CodeSet(Code::challenge));
  apply(change(Action::expired, "192.0.2.1"));
  CHECK(codes().empty());
  CHECK(index.serial() == 7);
}

TEST_CASE("a million listings are indexed in well under a second, and a change doesn't index them again", "[zone]") {
  std::vector<Listing> listings;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    Listing listing;
    listing.prefix = Prefix::of(IpAddress::from_v4(0x0b000000U + i * 3));
    listing.codes = Code::dsn;
    listings.push_back(listing);
  }
  const auto start = std::chrono::steady_clock::now();
  const auto index = ListingIndex::of(1, listings, {}, kNow);
  const auto built = std::chrono::steady_clock::now();
  ListingChange change;
  change.serial = 2;
  change.prefix = net("192.0.2.1");
  change.codes = Code::mdn;
  const auto patched = index.with(std::vector{change});
  const auto done = std::chrono::steady_clock::now();
  const auto microseconds = [](auto span) {
    return std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  };
  WARN("built in " << microseconds(built - start) << " us, patched in " << microseconds(done - built) << " us");
  CHECK(patched.codes_at(ip("192.0.2.1"), kNow) == CodeSet(Code::mdn));
  CHECK(patched.codes_at(ip("11.0.0.3"), kNow) == CodeSet(Code::dsn));
  CHECK(index.codes_at(ip("192.0.2.1"), kNow).empty());
  // Patching by another order of magnitude than building, in any build; sanitizers slow both.
  CHECK(microseconds(done - built) * 10 < microseconds(built - start));
}

TEST_CASE("a tally counts listings by family and each of their kinds, exemptions by family", "[zone]") {
  const auto index = index_of(
      {listed("192.0.2.1", CodeSet(Code::dsn) | Code::mdn), listed("192.0.2.2"),
       listed("198.18.0.0/16", Code::by_operator, {}, Source::by_operator), listed("2001:db8::/64", Code::challenge)},
      {exempt("198.18.5.0/24"), exempt("2001:db8:1::/48"), exempt("2001:db8:2::/48")});
  const auto tally = index.tally();
  const auto count = [&](Family family, Code code) {
    return tally.listings.at(static_cast<std::size_t>(family)).at(static_cast<std::size_t>(code));
  };
  CHECK(count(Family::ipv4, Code::dsn) == 2);
  CHECK(count(Family::ipv4, Code::mdn) == 1);
  CHECK(count(Family::ipv4, Code::by_operator) == 1);
  CHECK(count(Family::ipv4, Code::challenge) == 0);
  CHECK(count(Family::ipv6, Code::challenge) == 1);
  CHECK(tally.exemptions == std::array<std::uint64_t, 2>{1, 2});
}

TEST_CASE("a tally counts wide listings and addresses, on both sides of the limit", "[zone]") {
  const auto index = index_of({listed("192.0.2.1"), listed("8.8.0.0/16"), listed("9.8.0.0/15"), listed("2a00::/31"),
                               listed("2a02::/32"), listed("2001:db8::/64")},
                              {exempt("0.0.0.0/0")});
  const auto tally = index.tally();
  CHECK(tally.wide_listings == std::array<std::uint64_t, 2>{1, 1});
  CHECK(tally.addresses.at(0) == 1 + 65'536 + 131'072);
  CHECK(tally.addresses.at(1) == 0x1p97 + 0x1p96 + 0x1p64);
  const auto all = index_of({listed("0.0.0.0/0"), listed("::/0")}, {}).tally();
  CHECK(all.wide_listings == std::array<std::uint64_t, 2>{1, 1});
  CHECK(all.addresses.at(0) == 4'294'967'296.0);
  CHECK(all.addresses.at(1) == 0x1p128);
  CHECK(index_of({}, {exempt("::/0")}).tally().addresses == std::array<double, 2>{0, 0});
}

TEST_CASE("a walk visits what is in force in both families, wider networks first", "[zone]") {
  const auto index = index_of({listed("2001:db8::/64"), listed("192.0.2.1"), listed("192.0.2.0/24", Code::mdn),
                               listed("192.0.2.1", Code::by_operator, {}, Source::by_operator),
                               listed("198.51.100.1", Code::dsn, kNow + std::chrono::seconds{1}), listed("::/0")},
                              {exempt("192.0.2.0/28"), exempt("0.0.0.0/0"), exempt("2001:db8::1")});
  std::vector<std::string> walked;
  for (zone::ListingIndex::Walk walk(index, kNow + std::chrono::seconds{1}); const auto piece = walk.next();)
    walked.push_back((piece->codes.empty() ? "!" : "") + piece->prefix.to_string());
  CHECK(walked == std::vector<std::string>{"!0.0.0.0/0", "192.0.2.0/24", "!192.0.2.0/28", "192.0.2.1", "192.0.2.1",
                                           "::/0", "2001:db8::/64", "!2001:db8::1"});
  CHECK_FALSE(zone::ListingIndex::Walk(index_of({}), kNow).next());
}
