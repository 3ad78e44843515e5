// The serial identifies the content of the zone, whatever is decided, recorded and swept, and whenever.
#include "schema_fixture.h"

#include <map>
#include <random>

using namespace blowback;
using namespace blowback::schema_test;

namespace {

/// What is in force, as text. What a listing's end is makes no difference to answers.
std::string content(const Snapshot& all) {
  std::string text;
  for (const auto& listing : all.listings)
    text += listing.prefix.to_string() + " " + std::string(name_of(listing.source)) + " " +
            std::to_string(listing.codes.bits()) + "\n";
  for (const auto& exemption : all.exemptions) text += exemption.prefix.to_string() + " exempt\n";
  return text;
}

const std::vector<Prefix>& one(const std::string& text) {
  static std::vector<Prefix> prefixes;
  prefixes = {net(text)};
  return prefixes;
}

}  // namespace

TEST_CASE("what ends moves the serial when it ends, and not once more when that is recorded", "[schema][serial]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(std::vector{net("192.0.2.1"), net("192.0.2.2")}, kNow + Duration{60}, kDecision, kNow));
  value(store.exempt(net("198.51.100.1"), kNow + Duration{90}, kDecision, kNow));
  const auto serial = [&](int after) { return value(store.zone_state(kNow + Duration{after})).serial(); };
  CHECK(serial(59) == 3);
  CHECK(serial(60) == 5);
  CHECK(serial(89) == 5);
  CHECK(serial(90) == 6);
  CHECK(snapshot(store, kNow + Duration{90}).serial == 6);
  CHECK(value(store.expire(kNow + Duration{70})) == 2);
  CHECK(serial(70) == 5);
  CHECK(value(store.serial()) == 5);
  CHECK(serial(90) == 6);
  CHECK(value(store.expire(kNow + Duration{90})) == 1);
  CHECK(serial(90) == 6);
}

TEST_CASE("a listing that takes the place of one that has ended moves the serial, although no sweep came between",
          "[schema][serial]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(one("192.0.2.1"), kNow + Duration{60}, kDecision, kNow));
  value(store.exempt(net("198.51.100.1"), kNow + Duration{60}, kDecision, kNow));
  const UnixTime later = kNow + Duration{61};
  const auto before = value(store.zone_state(later)).serial();
  value(store.list(one("192.0.2.1"), std::nullopt, kDecision, later));
  CHECK(value(store.zone_state(later)).serial() == before + 1);
  value(store.exempt(net("198.51.100.1"), std::nullopt, kDecision, later));
  CHECK(value(store.zone_state(later)).serial() == before + 2);
  // The journal says what happened, and the history reads it.
  const auto changes = value(store.changes_since(2, 10));
  REQUIRE(changes.size() == 4);
  CHECK(changes[0].action == ListingChange::Action::expired);
  CHECK(changes[1].action == ListingChange::Action::listed);
  CHECK(changes[2].action == ListingChange::Action::exemption_ended);
  CHECK(changes[3].action == ListingChange::Action::exempted);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("delisting what has ended already changes neither the zone nor its serial", "[schema][serial]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  value(store.list(one("192.0.2.1"), kNow + Duration{60}, kDecision, kNow));
  value(store.exempt(net("198.51.100.1"), kNow + Duration{60}, kDecision, kNow));
  const UnixTime later = kNow + Duration{61};
  const auto before = value(store.zone_state(later)).serial();
  CHECK(value(store.delist(net("192.0.2.1"), kDecision, later)) == 1);
  CHECK(value(store.end_exemption(net("198.51.100.1"), kDecision, later)));
  CHECK(value(store.zone_state(later)).serial() == before);
}

TEST_CASE("whatever happens, equal serials mean equal zones, and the serial never goes back", "[schema][serial]") {
  for (const unsigned seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](unsigned end) { return static_cast<int>(random() % end); };
    const Folder folder;
    auto store = open(folder.file("a.db"));
    std::map<Serial, std::string> seen;
    Serial last = 0;
    UnixTime now = kNow;
    int number = 0;
    for (int step = 0; step < 250; ++step) {
      const auto address = "192.0.2." + std::to_string(below(6));
      const auto network = below(4) == 0 ? "192.0.2.0/" + std::to_string(24 + below(8)) : address;
      const auto until = below(5) == 0 ? std::nullopt : std::optional(now + Duration{1 + below(40)});
      switch (below(8)) {
        case 0:
        case 1:
          value(store.list(one(network), until, kDecision, now));
          break;
        case 2:
          value(store.exempt(net(network), until, kDecision, now));
          break;
        case 3:
          static_cast<void>(value(store.delist(net(network), kDecision, now)));
          break;
        case 4:
          static_cast<void>(value(store.end_exemption(net(network), kDecision, now)));
          break;
        case 5: {
          std::vector<Incident> incidents;
          for (int i = 0; i < 4; ++i) incidents.push_back(incident(address, ++number, now));
          record(store, std::move(incidents), now);
          break;
        }
        case 6: {
          const auto audit = value(store.audit(5));
          if (audit.empty()) break;
          const auto id = audit.at(static_cast<std::size_t>(below(static_cast<unsigned>(audit.size())))).id;
          static_cast<void>(value(store.undo(id, kDecision, demonstration(), &score::reckon, now)));
          break;
        }
        default:
          static_cast<void>(value(store.expire(now)));
      }
      // A list as it is right after the change, and as it is later, with what has ended meanwhile.
      for (int pause = below(3); pause >= 0; --pause) {
        const auto all = snapshot(store, now);
        CHECK(all.serial == value(store.zone_state(now)).serial());
        CHECK(all.serial >= last);
        last = all.serial;
        const auto [known, is_new] = seen.emplace(all.serial, content(all));
        if (!is_new) CHECK(known->second == content(all));
        now += Duration{below(30)};
      }
    }
    CHECK(seen.size() > 100);
    CHECK(value(store.check_integrity()).empty());
  }
}
