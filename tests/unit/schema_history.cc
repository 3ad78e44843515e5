// The record gone through once more: what comes out of the replay is what a real ingest makes of it, to the bit.
#include "schema_fixture.h"
#include "score/replay.h"

#include <algorithm>
#include <functional>
#include <random>
#include <set>

using namespace blowback;
using namespace blowback::schema_test;

namespace {

/// What happened, in order: an incident, or a decision that a store takes.
struct Event {
  UnixTime at{};
  std::optional<Incident> incident;
  std::optional<UnixTime> until;  // of the decision
  std::function<void(schema::Store&)> decision;
};

/// How a sender came out. Compared as text, so that a failure tells.
std::string told(const Standing& standing, const std::optional<Listing>& listing, UnixTime now) {
  const auto time = [](std::optional<UnixTime> at) { return at ? to_iso8601(*at) : "-"; };
  std::string text = standing.sender.to_string() + " " + std::to_string(standing.score.amount) + "@" +
                     to_iso8601(standing.score.at) + " times " + std::to_string(standing.times_listed) + " afresh " +
                     time(standing.afresh_since);
  if (listing && listing->in_force(now)) {
    text += " listed " + to_iso8601(listing->listed_at) + " to " + time(listing->expires_at) + " as " +
            std::to_string(listing->codes.bits());
  }
  return text;
}

/// Whatever may happen to a list within some weeks: few senders, traps and campaigns, so that everything meets everything.
std::vector<Event> some_weeks(std::mt19937& random) {
  static const std::vector<std::string> kClients{"192.0.2.1",    "192.0.2.2",   "192.0.2.3",     "198.51.100.9",
                                                 "203.0.113.77", "2001:db8::1", "2001:db8::2",   "2001:db8:0:1::1",
                                                 "10.0.0.1",     "192.0.2.200", "2001:db8:9::5", "198.51.100.10"};
  static const std::vector<std::string> kNetworks{"192.0.2.1",       "192.0.2.0/24",  "2001:db8::1",
                                                  "2001:db8::/64",   "2001:db8::/32", "0.0.0.0/0",
                                                  "198.51.100.0/24", "192.0.2.0/30",  "::/0"};
  const auto draw = [&](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
  std::vector<Event> events;
  for (int i = 0; i < 600; ++i) {
    const UnixTime at = kNow + Duration{static_cast<std::int64_t>(draw(40L * 86400))};
    auto one = incident(kClients[draw(kClients.size())], i, at);
    one.kind = static_cast<Kind>(draw(6));
    one.trap = "t" + std::to_string(draw(5)) + "@trap.example.net";
    one.witness = draw(2) == 0 ? "@trap.example.net" : one.trap;
    one.campaign = "c" + std::to_string(draw(40));
    one.origin = draw(4) == 0 ? std::string() : "o" + std::to_string(draw(6));
    one.mailbox = draw(2) == 0 ? std::string() : "m" + std::to_string(draw(6));
    one.mailbox_exists = draw(3) != 0;
    one.reverse_path = draw(8) == 0 ? ReversePath::set : ReversePath::null;
    one.relayed = draw(8) == 0 ? Relayed::trace : Relayed::no;
    one.confidence = static_cast<double>(1 + draw(10)) / 10;
    events.push_back({.at = at, .incident = one, .until = {}, .decision = {}});
  }
  for (int i = 0; i < 25; ++i) {
    // Some in the very second of an incident.
    const UnixTime at = events[draw(600)].at + Duration{static_cast<std::int64_t>(draw(2))};
    const Prefix network = net(kNetworks[draw(kNetworks.size())]);
    const auto until =
        draw(2) == 0 ? std::nullopt : std::optional(at + Duration{static_cast<std::int64_t>(draw(864000))});
    const auto choice = draw(3);
    events.push_back({.at = at, .incident = {}, .until = until, .decision = [=](schema::Store& store) {
                        if (choice == 0) value(store.delist(network, kDecision, at, Permission::wide));
                        if (choice == 1) value(store.exempt(network, until, kDecision, at, Permission::wide));
                        if (choice == 2) value(store.end_exemption(network, kDecision, at));
                      }});
  }
  std::ranges::stable_sort(events, [](const Event& a, const Event& b) {
    return std::pair(a.at, !a.incident) < std::pair(b.at, !b.incident);
  });
  return events;
}

/// As ingest does it: what came in by then is one batch, up to the next decision or the next end of an exemption.
void ingest(schema::Store& store, const std::vector<Event>& events, const Policy& policy) {
  std::set<UnixTime> turns;
  for (const auto& event : events) {
    if (event.until) turns.insert(*event.until);
  }
  schema::Batch batch;
  batch.feed = "test";
  UnixTime latest{};
  const auto commit = [&] {
    if (!batch.incidents.empty()) value(store.record(batch, policy, &score::assess, latest));
    batch.incidents.clear();
  };
  for (const auto& event : events) {
    if (event.decision || turns.upper_bound(latest) != turns.upper_bound(event.at)) commit();
    latest = event.at;
    if (event.decision) {
      event.decision(store);
    } else {
      batch.incidents.push_back(*event.incident);
    }
  }
  commit();
}

std::vector<Policy> policies() {
  std::vector<Policy> all(4, demonstration());
  all[1].half_life = std::chrono::days{2};
  all[1].list_at = 2;
  all[1].distinct_traps = 1;
  all[1].weights = {0.5, 1, 0, 2, 1, 1};
  all[2].distinct_traps = 4;
  all[2].distinct_campaigns = 3;
  all[2].trap_cap = 1;
  all[2].repeat_factor = 3;
  all[2].list_at = 1.5;
  all[3].half_life = std::chrono::days{30};
  all[3].max_listing = std::chrono::days{2};
  all[3].allow_documentation = false;
  return all;
}

}  // namespace

TEST_CASE("a replay under another policy equals a re-ingest under that policy, with delistings and exemptions",
          "[schema][replay]") {
  const auto seed = GENERATE(range(1U, 7U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto events = some_weeks(random);
  const UnixTime now = events.back().at + Duration{3600};
  const Folder folder;
  auto recorded = open(folder.file("first.db"));
  ingest(recorded, events, demonstration());
  std::size_t number = 0;
  for (const auto& policy : policies()) {
    CAPTURE(number);
    auto again = open(folder.file("again" + std::to_string(number++) + ".db"));
    ingest(again, events, policy);
    CHECK(replayed(recorded, policy, now, told) == stand(again, now, told));
  }
}

TEST_CASE("a sender's incidents are visited in order of time, whatever the order of recording", "[schema][replay]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store,
         {incident("192.0.2.1", 1, kNow + Duration{5}), incident("192.0.2.1", 2, kNow),
          incident("192.0.2.1", 3, kNow + Duration{5}), incident("192.0.2.1", 4, kNow + Duration{2})},
         kNow + Duration{5});
  std::vector<PartKey> campaigns;
  REQUIRE(store.for_each_sender(kNow + Duration{5}, [&](const schema::SenderRecord& record) {
    for (const auto& one : record.accusations) campaigns.push_back(one.keys.campaign);
  }));
  CHECK(campaigns == std::vector<PartKey>{part_key("c2"), part_key("c4"), part_key("c1"), part_key("c3")});
}

TEST_CASE("a sender with a great many campaigns is replayed as fast as one with few", "[schema][replay]") {
  // Each campaign is old by the time of the next: looking at them all for each would take a minute.
  std::vector<Accusation> accusations;
  for (int i = 0; i < 60'000; ++i) {
    accusations.push_back(accusation_of(incident("192.0.2.1", i, kNow + i * std::chrono::days{40})));
  }
  const auto reckoned = score::reckon(demonstration(), score::unknown_sender(net("192.0.2.1")), accusations, {},
                                      accusations.back().received_at);
  CHECK(reckoned.campaigns.size() == 60'000);
}

TEST_CASE("only decisions that affect a sender are read", "[schema][replay]") {
  const auto on = [](const std::string& prefix) {
    return PastDecision{.at = kNow, .action = PastDecision::Action::delisted, .prefix = net(prefix), .until = {}};
  };
  const score::Decisions decisions({on("192.0.2.0/24"), on("192.0.2.1"), on("198.51.100.1"), on("2001:db8::/32"),
                                    on("2001:db8::1"), on("2001:db8:0:1::/64")});
  CHECK(decisions.of(net("192.0.2.1")).size() == 2);
  CHECK(decisions.of(net("192.0.2.2")).size() == 1);
  CHECK(decisions.of(net("203.0.113.1")).empty());
  // A single address of somebody's /64 concerns all of it.
  CHECK(decisions.of(net("2001:db8::/64")).size() == 2);
}
