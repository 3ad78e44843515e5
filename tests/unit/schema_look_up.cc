// What the page asks the store: networks, many addresses at once, the serial with a dossier, and listings by day.
#include "catch.h"
#include "schema_fixture.h"
#include "sql_by_hand.h"

#include <vector>

using namespace blowback;               // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::schema_test;  // NOLINT(google-build-using-namespace)
using schema::Store;
using std::chrono::days;
using std::chrono::hours;

namespace {

void list_automatically(Store& store, const std::string& client, int number, UnixTime at = kNow) {
  std::vector<Incident> incidents;
  for (int i = 0; i < 6; ++i) incidents.push_back(incident(client, number + i, at));
  REQUIRE(record(store, incidents, at).newly_listed.size() == 1);
}

std::uint64_t of_code(const schema::ListDay& day, Code code) { return day.listed.at(static_cast<std::size_t>(code)); }

}  // namespace

TEST_CASE("a network's state has what covers it, what is within it, and exemptions of both", "[schema][look-up]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  list_automatically(store, "192.0.2.10", 1);
  value(store.list(std::vector{net("192.0.2.0/23")}, std::nullopt, kDecision, kNow));
  value(store.list(std::vector{net("192.0.2.0/24"), net("192.0.3.0/24")}, kNow + hours(1), kDecision, kNow));
  value(store.exempt(net("192.0.2.128/25"), std::nullopt, kDecision, kNow));
  const auto state = value(store.network(net("192.0.2.0/24"), 10, kNow));
  REQUIRE(state.around.size() == 2);
  CHECK(state.around[0].prefix == net("192.0.2.0/23"));
  CHECK(state.around[0].reason == kDecision.reason);
  CHECK(state.around[1].prefix == net("192.0.2.0/24"));
  REQUIRE(state.within.size() == 1);
  CHECK(state.within[0].prefix == net("192.0.2.10"));
  CHECK_FALSE(state.more_within);
  REQUIRE(state.exempt.size() == 1);
  CHECK(state.serial == value(store.zone_state(kNow)).serial());
  // What has ended is left out, swept or not.
  CHECK(value(store.network(net("192.0.2.0/24"), 10, kNow + hours(1))).around.size() == 1);
}

TEST_CASE("of a network with many listings only as many are read as asked for", "[schema][look-up]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Prefix> many;
  for (std::uint32_t i = 0; i < 30; ++i) many.push_back(Prefix::of(IpAddress::from_v4(0xc0000200U + i)));
  value(store.list(many, std::nullopt, kDecision, kNow));
  const auto state = value(store.network(net("192.0.2.0/24"), 29, kNow));
  CHECK(state.within.size() == 29);
  CHECK(state.more_within);
  CHECK_FALSE(value(store.network(net("192.0.2.0/24"), 30, kNow)).more_within);
}

TEST_CASE("many addresses are checked as of one serial, in their order, with their ends", "[schema][look-up]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  list_automatically(store, "192.0.2.10", 1);
  value(store.list(std::vector{net("192.0.2.11")}, std::nullopt, kDecision, kNow));
  value(store.list(std::vector{net("192.0.2.12")}, kNow + hours(1), kDecision, kNow));
  const std::vector<IpAddress> addresses{ip("192.0.2.9"), ip("192.0.2.10"), ip("192.0.2.11"), ip("192.0.2.12")};
  const auto checked = value(store.check_all(addresses, kNow));
  REQUIRE(checked.all.size() == 4);
  CHECK(checked.all[0].codes.empty());
  CHECK_FALSE(checked.all[0].until);
  CHECK(checked.all[1].codes == Code::dsn);
  CHECK(checked.all[1].until > kNow);
  CHECK(checked.all[2].codes == Code::by_operator);
  CHECK_FALSE(checked.all[2].until);
  CHECK(checked.all[3].until == kNow + hours(1));
  CHECK(checked.serial == value(store.zone_state(kNow)).serial());
  for (std::size_t i = 0; i < addresses.size(); ++i)
    CHECK(checked.all[i].codes == value(store.check(addresses[i], kNow)));
}

TEST_CASE("a dossier has the zone's serial if it is asked for, also of ends that no sweep has recorded",
          "[schema][look-up]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(std::vector{net("192.0.2.11")}, kNow + hours(1), kDecision, kNow));
  CHECK_FALSE(value(store.dossier(ip("192.0.2.11"), 1)).serial);
  const auto before = value(store.dossier(ip("192.0.2.11"), 1, kNow)).serial;
  CHECK(before == value(store.zone_state(kNow)).serial());
  CHECK(value(store.dossier(ip("192.0.2.11"), 1, kNow + hours(1))).serial == *before + 1);
}

TEST_CASE("automatic listings are counted by day and code, and by how they ended", "[schema][look-up]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  list_automatically(store, "192.0.2.10", 1);
  list_automatically(store, "192.0.2.11", 101, kNow + days(1));
  value(store.list(std::vector{net("192.0.2.12")}, kNow + hours(1), kDecision, kNow));  // not counted: by the operator
  value(store.delist(net("192.0.2.11"), kDecision, kNow + days(2)));
  while (value(store.expire(kNow + days(40))) > 0) {
  }
  const auto counted = value(store.days_of_list(kNow, kNow + days(40)));
  REQUIRE(counted.size() == 41);
  CHECK(counted[0].day == std::chrono::floor<days>(kNow));
  CHECK(counted[0].listings == 1);
  CHECK(of_code(counted[0], Code::dsn) == 1);
  CHECK(counted[1].listings == 1);
  CHECK(counted[2].delisted == 1);
  CHECK(counted[40].expired == 1);
  std::uint64_t by_hand = 0;
  for (const auto& day : counted) by_hand += of_code(day, Code::by_operator);
  CHECK(by_hand == 0);
  CHECK(value(store.days_of_list(kNow + days(3), kNow + days(4))).size() == 2);
}

TEST_CASE("a database of format 5 has its journal counted once", "[schema][look-up]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = open(file);
    list_automatically(store, "192.0.2.10", 1);
    list_automatically(store, "192.0.2.11", 101);
  }
  run_sql(file,
          "DROP TABLE removal_request; DROP TABLE removal_token; DELETE FROM total WHERE name LIKE 'removals%'; DROP "
          "TRIGGER change_counted; DROP TABLE change_of_day; "
          "PRAGMA user_version = 5");
  auto store = open(file);
  CHECK(store.version_found() == 5);
  CHECK(value(store.days_of_list(kNow, kNow)).at(0).listings == 2);
  list_automatically(store, "192.0.2.12", 201);
  CHECK(value(store.days_of_list(kNow, kNow)).at(0).listings == 3);
}
