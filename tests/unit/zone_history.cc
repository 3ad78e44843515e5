// Which earlier versions are kept, and what has changed since.
#include "catch.h"
#include "zone/history.h"
#include "zone_fixture.h"

#include <string>
#include <vector>

using namespace blowback;
using namespace blowback::test;
using zone::History;
using zone::View;

namespace {

View version(Serial serial) {
  auto view = view_of(index_of({}, {}, serial));
  return view;
}

std::vector<std::string> texts(const std::vector<Prefix>& prefixes) {
  std::vector<std::string> all;
  for (const auto& prefix : prefixes) all.push_back(prefix.to_string());
  return all;
}

/// Versions 1 to `last`; version n changes 192.0.2.n.
void fill(History& history, Serial last) {
  for (Serial serial = 1; serial < last; ++serial)
    history.add(version(serial), version(serial + 1), {net("192.0.2." + std::to_string(serial + 1))});
}

}  // namespace

TEST_CASE("what has changed since a version is what all later ones changed, up to the one that is sent",
          "[zone][history]") {
  History history(10);
  fill(history, 5);
  const auto since = history.since(3, version(5));
  REQUIRE(since);
  CHECK(since->view.serial == 3);
  CHECK(texts(since->touched) == std::vector<std::string>{"192.0.2.4", "192.0.2.5"});
  // A newer version may have been published since the one that is sent.
  CHECK(texts(history.since(2, version(4)).value().touched) == std::vector<std::string>{"192.0.2.3", "192.0.2.4"});
}

TEST_CASE("there is nothing since a version that isn't kept, or for one that was never reached", "[zone][history]") {
  History history(3);
  CHECK_FALSE(history.since(1, version(2)));
  fill(history, 6);
  CHECK_FALSE(history.since(2, version(6)));
  CHECK(history.since(3, version(6)));
  CHECK_FALSE(history.since(7, version(6)));
  CHECK_FALSE(history.since(3, version(9)));
  history.keep(1);
  CHECK_FALSE(history.since(4, version(6)));
  CHECK(history.since(5, version(6)));
  history.clear();
  CHECK_FALSE(history.since(5, version(6)));
}

TEST_CASE("versions that don't follow each other aren't joined", "[zone][history]") {
  History history(10);
  fill(history, 3);
  history.add(version(7), version(8), {net("192.0.2.8")});
  CHECK_FALSE(history.since(2, version(8)));
  CHECK(history.since(7, version(8)));
}

TEST_CASE("a version with the same serial is the same zone, and breaks no chain", "[zone][history]") {
  History history(10);
  fill(history, 3);
  history.add(version(3), version(3), {net("198.51.100.1")});
  history.add(version(3), version(4), {net("192.0.2.4")});
  CHECK(texts(history.since(2, version(4)).value().touched) == std::vector<std::string>{"192.0.2.3", "192.0.2.4"});
}

TEST_CASE("the serial is that of the SOA, which begins again after 32 bits", "[zone][history]") {
  constexpr Serial kWrap = Serial{1} << 32U;
  History history(10);
  history.add(version(kWrap - 1), version(kWrap), {net("192.0.2.1")});
  history.add(version(kWrap), version(kWrap + 1), {net("192.0.2.2")});
  CHECK(history.since(0xffffffffU, version(kWrap + 1)).value().touched.size() == 2);
  CHECK(history.since(0, version(kWrap + 1)).value().touched.size() == 1);
}

TEST_CASE("large changes leave room for few versions", "[zone][history]") {
  History history(1'000);
  const std::vector<Prefix> many(History::kMostTouched / 2, net("192.0.2.1"));
  for (Serial serial = 1; serial < 5; ++serial) history.add(version(serial), version(serial + 1), many);
  CHECK_FALSE(history.since(2, version(5)));
  CHECK(history.since(3, version(5)));
  history.add(version(5), version(6), std::vector<Prefix>(History::kMostTouched + 1, net("192.0.2.1")));
  CHECK_FALSE(history.since(5, version(6)));
}
