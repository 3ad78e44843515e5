// Who sends most, incident by incident or from the sums of days, and what the totals say.
#include "schema_fixture.h"
#include "sql_by_hand.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

using namespace blowback;
using namespace blowback::schema_test;

namespace {

using By = schema::TopQuestion::By;

/// 20 senders of five networks; number n sends n times as much as the first.
void fill(schema::Store& store, int rounds) {
  int number = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<Incident> incidents;
    for (int sender = 1; sender <= 20; ++sender) {
      for (int i = 0; i < sender; ++i) {
        auto one = incident("198.51." + std::to_string(sender % 5) + "." + std::to_string(sender), number++, kNow);
        one.campaign = "c" + std::to_string(sender % 3);
        incidents.push_back(std::move(one));
      }
    }
    record(store, std::move(incidents));
  }
}

schema::Top top(schema::Store& store, By by, UnixTime since = kNow - Duration{10}) {
  return value(store.top({.by = by, .since = since, .most = 5}, kNow + Duration{1}));
}

}  // namespace

TEST_CASE("daily totals agree with counting", "[schema][top]") {
  const Folder folder;
  auto few = open(folder.file("few.db"));
  fill(few, 20);
  CHECK(top(few, By::sender).is_exact);
  auto many = open(folder.file("many.db"));
  fill(many, 300);  // 63,000 incidents: more than are counted one by one
  keep_up(many, kNow + Duration{1});
  for (const auto by : {By::network, By::sender, By::campaign}) {
    CAPTURE(by);
    const auto counted = top(few, by);
    const auto summed = top(many, by);
    CHECK_FALSE(summed.is_exact);
    REQUIRE(summed.groups.size() == counted.groups.size());
    for (std::size_t i = 0; i < counted.groups.size(); ++i) {
      CHECK(summed.groups[i].name == counted.groups[i].name);
      CHECK(summed.groups[i].incidents == 15 * counted.groups[i].incidents);
      CHECK(summed.groups[i].counted == 15 * counted.groups[i].counted);
      CHECK(summed.groups[i].senders == counted.groups[i].senders);
      CHECK(summed.groups[i].traps == counted.groups[i].traps);
      CHECK(summed.groups[i].campaigns == counted.groups[i].campaigns);
      CHECK(summed.groups[i].kinds == counted.groups[i].kinds);
      if (by != By::campaign) CHECK(summed.groups[i].listed == counted.groups[i].listed);
    }
  }
}

TEST_CASE("what came before `since` isn't counted", "[schema][top]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1, kNow - Duration{100}), incident("192.0.2.2", 2, kNow)});
  const auto groups = top(store, By::sender).groups;
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].name == "192.0.2.2");
}

TEST_CASE("strangers can't displace the largest groups from daily totals", "[schema][top]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  int number = 0;
  for (int batch = 0; batch < 80; ++batch) {
    std::vector<Incident> incidents;
    for (int i = 0; i < 1'000; ++i) {
      const int n = number++;
      // Every tenth is of one sender, the rest of a new one each.
      const auto client = n % 10 == 0 ? std::string("192.0.2.1")
                                      : "45." + std::to_string(n >> 16) + "." + std::to_string((n >> 8) & 255) + "." +
                                            std::to_string(n & 255);
      incidents.push_back(incident(client, n, kNow));
    }
    record(store, std::move(incidents));
    keep_up(store, kNow);
  }
  const auto summed = top(store, By::sender);
  CHECK_FALSE(summed.is_exact);
  CHECK(summed.groups.at(0).name == "192.0.2.1");
  CHECK(summed.groups.at(0).incidents == 8'000);
  CHECK(value(store.stats(kNow)).incidents == 80'000);
}

TEST_CASE("totals of listings follow every way to list and delist", "[schema][totals]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1), incident("192.0.2.1", 2), incident("192.0.2.1", 3)});
  const std::vector<Prefix> some{net("192.0.2.8"), net("192.0.2.9")};
  value(store.list(some, kNow + Duration{100}, kDecision, kNow));
  auto stats = value(store.stats(kNow));
  CHECK(stats.listings_automatic == 1);
  CHECK(stats.listings_by_operator == 2);
  CHECK(stats.listings_by_code.at(static_cast<std::size_t>(Code::dsn)) == 1);
  CHECK(stats.listings_by_code.at(static_cast<std::size_t>(Code::by_operator)) == 2);
  // Ended, whether or not it is swept up.
  CHECK(value(store.stats(kNow + Duration{100})).listings_by_operator == 0);
  value(store.expire(kNow + Duration{100}));
  CHECK(value(store.stats(kNow + Duration{100})).listings_by_operator == 0);
  auto other = incident("192.0.2.1", 4, kNow + Duration{200});
  other.kind = Kind::mdn;
  record(store, {other}, kNow + Duration{200});
  stats = value(store.stats(kNow + Duration{200}));
  CHECK(stats.listings_automatic == 1);
  CHECK(stats.listings_by_code.at(static_cast<std::size_t>(Code::mdn)) == 1);
  value(store.delist(net("192.0.2.1"), kDecision, kNow + Duration{300}));
  CHECK(value(store.stats(kNow + Duration{300})).listings_automatic == 0);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("groups are counted even if their texts have expired", "[schema][top]") {
  constexpr Duration kDay = std::chrono::days{1};
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Incident> incidents;
  for (int i = 0; i < 30; ++i) incidents.push_back(incident("192.0.2." + std::to_string(i % 3), i, kNow));
  record(store, std::move(incidents), kNow);
  record(store, {incident("192.0.2.1", 99, kNow + 3 * kDay)}, kNow + 3 * kDay);
  Retention retention;
  retention.evidence = kDay;
  const UnixTime now = kNow + 3 * kDay + Duration{60};
  REQUIRE(keep_up(store, now, retention).evidence == 30);
  const auto top = value(store.top({.by = schema::TopQuestion::By::sender, .since = kNow - kDay}, now));
  CHECK_FALSE(top.is_exact);
  REQUIRE(top.groups.size() == 3);
  CHECK(top.groups[0].incidents == 11);
}

TEST_CASE("invented recipients and domains are counted together above a limit", "[schema][totals]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = open(file);
  const auto deliver = [&](int n, const std::string& trap) {
    auto one = incident("192.0.2.1", n, kNow);
    one.trap = trap;
    one.witness = trap.substr(trap.find('@'));
    record(store, {one});
  };
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& trap : value(store.traps())) found.insert(trap.address);
    return found;
  };
  deliver(1, "a@one.example");
  run_sql(file, "UPDATE total SET value = 100000 WHERE name = 'traps'");
  deliver(2, "a@one.example");
  deliver(3, "b@one.example");
  CHECK(names() == std::set<std::string>{"a@one.example", "@one.example"});
  run_sql(file, "UPDATE total SET value = 200000 WHERE name = 'traps'");
  deliver(4, "c@one.example");
  deliver(5, "a@two.example");
  deliver(6, "a@three.example");
  CHECK(names() == std::set<std::string>{"a@one.example", "@one.example", "*"});
}
