// Listings in slices and through filters, the audit through filters, and what became of one address.
#include "catch.h"
#include "schema_fixture.h"
#include "score/replay.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace blowback;               // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::schema_test;  // NOLINT(google-build-using-namespace)

namespace {

constexpr Duration days(int count) { return std::chrono::days{count}; }

std::vector<Prefix> one(const std::string& text) { return {net(text)}; }

std::vector<Listing> found(schema::Store& store, const schema::ListingFilter& filter, UnixTime now = kNow) {
  std::vector<Listing> listings;
  REQUIRE(store.for_each_listing(filter, now, [&](const Listing& listing) { listings.push_back(listing); }));
  return listings;
}

}  // namespace

TEST_CASE("listings that fill several slices come once each, in order, though others change them meanwhile",
          "[schema][find]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> prefixes;
  for (std::uint32_t i = 0; i < 25'000; ++i) prefixes.push_back(Prefix::of(IpAddress::from_v4(0x08000000U + i)));
  value(store.list(prefixes, std::nullopt, kDecision, kNow, "file.txt"));
  std::vector<Prefix> seen;
  // A visitor may use the store: nothing is read while it runs.
  REQUIRE(store.for_each_listing({}, kNow, [&](const Listing& listing) {
    seen.push_back(listing.prefix);
    if (seen.size() == 1) value(store.delist(prefixes.at(20'000), kDecision, kNow));
    if (seen.size() == 2) value(store.list(one("8.0.200.0/24"), std::nullopt, kDecision, kNow));
  }));
  CHECK(std::ranges::is_sorted(seen));
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
  CHECK(seen.size() == 25'000);
  CHECK_FALSE(std::ranges::binary_search(seen, prefixes.at(20'000)));
  CHECK(std::ranges::binary_search(seen, net("8.0.200.0/24")));
}

TEST_CASE("a network's listings are those within it, of both sources, also across slices", "[schema][find]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> prefixes{net("8.0.0.0/16"), net("8.0.0.0/17")};
  for (std::uint32_t i = 0; i < 12'000; ++i) prefixes.push_back(Prefix::of(IpAddress::from_v4(0x08000000U + i)));
  value(store.list(prefixes, std::nullopt, kDecision, kNow, "file.txt"));
  CHECK(found(store, {.within = net("8.0.0.0/17")}).size() == 12'001);
  CHECK(found(store, {.within = net("8.0.0.0/17"), .most = 10'500}).size() == 10'500);
  CHECK(found(store, {.most = 0}).empty());
  CHECK(found(store, {.within = net("8.0.46.224/27")}).size() == 0);
  CHECK(found(store, {.within = net("8.0.46.192/27")}).size() == 32);
}

TEST_CASE("listings are found by source, code, time and who", "[schema][find]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(one("192.0.2.1"), std::nullopt, {.who = "olga", .reason = "a"}, kNow - days(9)));
  value(store.list(one("192.0.2.2"), std::nullopt, {.who = "otto", .reason = "b"}, kNow));
  const auto names = [&](const schema::ListingFilter& filter) {
    std::string text;
    for (const auto& listing : found(store, filter)) text += listing.prefix.to_string() + " ";
    return text;
  };
  CHECK(names({}) == "192.0.2.1 192.0.2.2 ");
  CHECK(names({.who = "otto"}) == "192.0.2.2 ");
  CHECK(names({.since = kNow - days(9)}) == "192.0.2.1 192.0.2.2 ");
  CHECK(names({.since = kNow - days(9) + Duration{1}}) == "192.0.2.2 ");
  CHECK(names({.source = Source::automatic}).empty());
  CHECK(names({.source = Source::by_operator, .most = 1}) == "192.0.2.1 ");
  CHECK(names({.codes = Code::dsn}).empty());
  CHECK(names({.codes = Code::by_operator}) == "192.0.2.1 192.0.2.2 ");
}

TEST_CASE("entries of the audit are found by who, action, subject and time", "[schema][find]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(one("192.0.2.1"), std::nullopt, {.who = "olga", .reason = "a"}, kNow - days(9)));
  value(store.exempt(net("198.51.100.0/24"), std::nullopt, {.who = "otto", .reason = "b"}, kNow));
  value(store.delist(net("192.0.2.1"), {.who = "olga", .reason = "c"}, kNow));
  const auto ids = [&](const schema::AuditFilter& filter) {
    std::string text;
    for (const auto& entry : value(store.audit(filter))) text += std::to_string(entry.id) + " ";
    return text;
  };
  CHECK(ids({}) == "3 2 1 ");
  CHECK(ids({.most = 2}) == "3 2 ");
  CHECK(ids({.who = "olga"}) == "3 1 ");
  CHECK(ids({.action = "exempt"}) == "2 ");
  CHECK(ids({.subject = "192.0.2"}) == "3 1 ");
  CHECK(ids({.who = "olga", .since = kNow - days(1)}) == "3 ");
}

TEST_CASE("the changes of an address include those of every network around it, with their decisions, undone or not",
          "[schema][find]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(one("198.51.100.0/24"), std::nullopt, {.who = "olga", .reason = "a"}, kNow - days(9)));
  value(store.list(one("203.0.113.0/24"), std::nullopt, kDecision, kNow - days(8)));
  value(store.exempt(net("198.51.100.128/25"), std::nullopt, {.who = "otto", .reason = "b"}, kNow - days(7)));
  value(store.delist(net("198.51.100.0/24"), {.who = "olga", .reason = "c"}, kNow));
  value(store.undo(4, kDecision, Policy{}, &score::reckon, kNow));
  const auto changes = value(store.changes_around(ip("198.51.100.200"), 100));
  for (const auto& one : changes) UNSCOPED_INFO(name_of(one.change.action) << " " << one.change.prefix.to_string());
  REQUIRE(changes.size() == 4);
  CHECK(changes[0].change.action == ListingChange::Action::listed);
  CHECK(changes[1].change.action == ListingChange::Action::delisted);
  REQUIRE(changes[1].decision);
  CHECK(changes[1].decision->undone_by == 5U);
  CHECK(changes[2].change.prefix == net("198.51.100.128/25"));
  CHECK(changes[2].decision->who == "otto");
  CHECK(changes[3].decision->reason == "a");
  CHECK(value(store.changes_around(ip("198.51.100.1"), 2)).size() == 2);
  CHECK(value(store.changes_around(ip("198.51.101.1"), 100)).empty());
}
