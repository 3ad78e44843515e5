// The operator's word: it is on record, and no automatic step undoes it.
#include "schema_fixture.h"

#include <random>

using namespace blowback;
using namespace blowback::schema_test;

namespace {

const std::vector<Prefix>& one(const std::string& text) {
  static std::vector<Prefix> prefixes;
  prefixes = {net(text)};
  return prefixes;
}

void offend(schema::Store& store, const std::string& client, int from, UnixTime at = kNow) {
  record(store, {incident(client, from, at), incident(client, from + 1, at), incident(client, from + 2, at)}, at);
}

}  // namespace

TEST_CASE("an operator's listing covers its whole network until it is delisted", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  CHECK(value(store.list(one("198.51.100.0/24"), std::nullopt, kDecision, kNow)).standing == 1);
  CHECK(value(store.check(ip("198.51.100.255"), kNow)) == CodeSet(Code::by_operator));
  offend(store, "198.51.100.7", 1);
  CHECK(value(store.check(ip("198.51.100.7"), kNow)) == (CodeSet(Code::dsn) | Code::by_operator));
  CHECK(value(store.delist(net("198.51.100.0/24"), kDecision, kNow)) == 2);
  CHECK(value(store.check(ip("198.51.100.7"), kNow)).empty());
  const auto audit = value(store.audit(10));
  REQUIRE(audit.size() == 2);
  CHECK(audit[0].action == "delist");
  CHECK(audit[0].changes == 2);
  CHECK(audit[1].who == "operator");
  CHECK(audit[1].reason == "because");
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("a listing for a time ends then, the automatic one stays", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  value(store.list(one("192.0.2.1"), kNow + Duration{60}, kDecision, kNow));
  CHECK(value(store.check(ip("192.0.2.1"), kNow + Duration{59})).has(Code::by_operator));
  CHECK(value(store.check(ip("192.0.2.1"), kNow + Duration{60})) == CodeSet(Code::dsn));
}

TEST_CASE("delisting resets the score: old incidents don't relist the address, new ones do, for longer", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  const auto first = *snapshot(store, kNow).listings.at(0).expires_at - kNow;
  value(store.delist(net("192.0.2.1"), kDecision, kNow + Duration{100}));
  record(store, {incident("192.0.2.1", 4, kNow + Duration{50})}, kNow + Duration{200});
  CHECK(value(store.dossier(ip("192.0.2.1"), 1)).standing->score.amount == 0);
  const UnixTime later = kNow + Duration{300};
  record(store, {incident("192.0.2.1", 5, later), incident("192.0.2.1", 6, later)}, later);
  CHECK(value(store.check(ip("192.0.2.1"), later)).empty());
  record(store, {incident("192.0.2.1", 7, later)}, later);
  CHECK(value(store.check(ip("192.0.2.1"), later)) == CodeSet(Code::dsn));
  CHECK(*snapshot(store, later).listings.at(0).expires_at - later > first + first / 2);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("delisting one IPv6 address delists the /64 it was listed by", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "2001:db8::1", 1);
  CHECK(value(store.check(ip("2001:db8::ffff"), kNow)) == CodeSet(Code::dsn));
  CHECK(value(store.delist(net("2001:db8::2"), kDecision, kNow)) == 1);
  CHECK(value(store.check(ip("2001:db8::1"), kNow)).empty());
}

TEST_CASE("an exemption ends listings and prevents new ones; a score that was reached meanwhile lists once it is over",
          "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  offend(store, "192.0.2.1", 1);
  CHECK(value(store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, kNow)) == 1);
  offend(store, "192.0.2.1", 10);
  CHECK(value(store.check(ip("192.0.2.1"), kNow)).empty());
  CHECK(value(store.list(one("192.0.2.1"), std::nullopt, kDecision, kNow)).standing == 0);
  CHECK(snapshot(store, kNow).exemptions.at(0).reason == "because");
  CHECK(value(store.end_exemption(net("192.0.2.0/24"), kDecision, kNow)));
  CHECK_FALSE(value(store.end_exemption(net("192.0.2.0/24"), kDecision, kNow)));
  record(store, {incident("192.0.2.1", 20)});
  CHECK(value(store.check(ip("192.0.2.1"), kNow)) == CodeSet(Code::dsn));
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("an exemption within a listed network exempts its part only", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(one("198.51.100.0/24"), std::nullopt, kDecision, kNow));
  CHECK(value(store.exempt(net("198.51.100.128/25"), kNow + Duration{60}, kDecision, kNow)) == 0);
  CHECK_FALSE(value(store.check(ip("198.51.100.1"), kNow)).empty());
  CHECK(value(store.check(ip("198.51.100.129"), kNow)).empty());
  CHECK_FALSE(value(store.check(ip("198.51.100.129"), kNow + Duration{60})).empty());
  CHECK(value(store.expire(kNow + Duration{60})) == 1);
  CHECK(value(store.exemptions(kNow)).empty());
}

TEST_CASE("a decision without a reason or a name is refused", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  CHECK_FALSE(store.list(one("192.0.2.1"), std::nullopt, {.who = "x", .reason = ""}, kNow));
  CHECK_FALSE(store.delist(net("192.0.2.1"), {.who = "", .reason = "y"}, kNow));
  CHECK(value(store.audit(10)).empty());
}

TEST_CASE("importing the same list again changes nothing and writes nothing to the journal", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> prefixes;
  for (std::uint32_t i = 0; i < 5'000; ++i) prefixes.push_back(Prefix::of(IpAddress::from_v4(0xcb007100U + i * 7)));
  CHECK(value(store.list(prefixes, std::nullopt, kDecision, kNow, "file.txt")).standing == 5'000);
  const auto serial = value(store.serial());
  CHECK(serial == 5'000);
  CHECK(value(store.list(prefixes, std::nullopt, kDecision, kNow + Duration{9}, "file.txt")).standing == 5'000);
  CHECK(value(store.serial()) == serial);
  CHECK(value(store.audit(1)).at(0).changes == 0);
  CHECK(value(store.audit(1)).at(0).action == "import");
  std::size_t seen = 0;
  const auto visited = store.for_each_listing({.within = net("203.0.113.0/24")}, kNow, [&](const Listing& listing) {
    CHECK(listing.reason == "because");
    ++seen;
  });
  CHECK(visited);
  CHECK(seen == 37);
}

TEST_CASE("without permission a wide decision is refused, and nothing of it happens", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(one("192.0.2.1"), std::nullopt, kDecision, kNow));
  const auto serial = value(store.serial());
  const auto network =
      net(GENERATE("0.0.0.0/0", "::/0", "8.8.0.0/15", "2a00::/31", "10.0.0.0/8", "127.0.0.1", "192.0.0.0/16"));
  CAPTURE(network.to_string());
  const auto refused = [&](const auto& result) {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == schema::StoreError::Code::too_wide);
    CHECK_THAT(result.error().text, Catch::StartsWith(network.to_string() + " ") && Catch::Contains("--wide"));
  };
  refused(store.list({&network, 1}, std::nullopt, kDecision, kNow));
  refused(store.list(std::vector{net("192.0.2.2"), network}, std::nullopt, kDecision, kNow, "file.txt"));
  refused(store.delist(network, kDecision, kNow));
  refused(store.exempt(network, std::nullopt, kDecision, kNow));
  CHECK(value(store.serial()) == serial);
  CHECK(value(store.audit(10)).size() == 1);
  CHECK(value(store.exemptions(kNow)).empty());
  CHECK(value(store.list({&network, 1}, std::nullopt, kDecision, kNow, {}, Permission::wide)).standing == 1);
  CHECK(value(store.delist(network, kDecision, kNow, Permission::wide)) >= 1);
  value(store.exempt(network, std::nullopt, kDecision, kNow, Permission::wide));
  CHECK(value(store.end_exemption(network, kDecision, kNow)));
}

TEST_CASE("what is narrow line by line and wide together is refused", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> prefixes;
  for (std::uint32_t i = 0; i < 64; ++i)
    prefixes.push_back(Prefix::covering(IpAddress::from_v4(0x14000000U + (i << 16U)), 16));
  CHECK(value(store.list(prefixes, std::nullopt, kDecision, kNow)).standing == 64);
  prefixes.push_back(net("192.0.2.1"));
  const auto refused = store.list(prefixes, std::nullopt, kDecision, kNow);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == schema::StoreError::Code::too_wide);
  CHECK_THAT(refused.error().text, Catch::Contains("4,194,305 IPv4 addresses"));
  CHECK(value(store.list(prefixes, std::nullopt, kDecision, kNow, {}, Permission::wide)).standing == 65);
}
