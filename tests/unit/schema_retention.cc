// What is removed when, what stays, and that nobody can tell from the answers: undo and replay are exact within the horizon.
#include "schema_fixture.h"
#include "score/replay.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <random>

using namespace blowback;
using namespace blowback::schema_test;

namespace {

constexpr Duration kDay = std::chrono::days{1};

/// A year and a half of mail by few senders, with decisions between; recorded as it came.
struct Played {
  UnixTime end{};
  std::vector<std::pair<UnixTime, Prefix>> delisted;
};

/// `keeps_up`: whether what has expired is removed day by day.
Played play(schema::Store& store, std::uint32_t seed, bool keeps_up, const Retention& retention) {
  std::mt19937 random(seed);
  const auto draw = [&](std::uint32_t below) { return static_cast<int>(random() % below); };
  Played played;
  for (int day = 0; day < 500; ++day) {
    std::vector<Incident> incidents;
    const UnixTime morning = kNow + day * kDay;
    for (int i = 0; i < 3; ++i) {
      const auto client = "192.0.2." + std::to_string(1 + draw(6));
      auto one = incident(client, day * 10 + i, morning + Duration{draw(80'000)});
      one.campaign = "c" + std::to_string(draw(200));
      one.origin = draw(4) == 0 ? std::string() : "o" + std::to_string(draw(30));
      one.kind = static_cast<Kind>(draw(6));
      incidents.push_back(std::move(one));
    }
    const UnixTime evening = morning + Duration{86'000};
    std::ranges::sort(incidents, {}, &Incident::received_at);
    record(store, std::move(incidents), evening);
    value(store.expire(evening));
    if (day % 37 == 36) {
      const auto prefix = net("192.0.2." + std::to_string(1 + draw(6)));
      value(store.delist(prefix, kDecision, evening + Duration{1}));
      played.delisted.emplace_back(evening + Duration{1}, prefix);
    }
    if (keeps_up) keep_up(store, evening + Duration{2}, retention);
    played.end = evening + Duration{3};
  }
  return played;
}

/// How a sender came out, as text, so that a failure tells.
std::string told(const Standing& standing, const std::optional<Listing>& listing, UnixTime now) {
  std::string text = standing.sender.to_string() + " " +
                     std::to_string(std::round(faded(standing.score, now, Policy{}.half_life) * 1e9) / 1e9) +
                     " times " + std::to_string(standing.times_listed);
  if (listing && listing->in_force(now)) {
    text += " until " + to_iso8601(*listing->expires_at) + " as " + std::to_string(listing->codes.bits());
  }
  return text;
}

std::vector<std::string> recorded(schema::Store& store, UnixTime now) { return stand(store, now, told); }

std::uint64_t kept_incidents(schema::Store& store, UnixTime now) {
  std::uint64_t count = 0;
  REQUIRE(store.for_each_sender(now, [&](const schema::SenderRecord& record) { count += record.accusations.size(); }));
  return count;
}

Retention half_a_year() {
  Retention retention;
  retention.incidents = std::chrono::days{180};
  return retention;
}

}  // namespace

TEST_CASE("retention doesn't change the list, and a replay from the horizon gives the recorded result",
          "[schema][retention]") {
  const auto seed = GENERATE(range(1U, 3U));
  CAPTURE(seed);
  const Folder folder;
  auto whole = open(folder.file("whole.db"));
  auto kept = open(folder.file("kept.db"));
  const auto end = play(whole, seed, false, {}).end;
  play(kept, seed, true, half_a_year());
  CHECK(kept_incidents(kept, end) < kept_incidents(whole, end) / 2);
  CHECK(recorded(kept, end) == recorded(whole, end));
  CHECK(replayed(kept, demonstration(), end, told) == recorded(whole, end));
  CHECK(value(kept.stats(end)).incidents == value(whole.stats(end)).incidents);
  CHECK(value(kept.traps()).size() == value(whole.traps()).size());
  CHECK(value(kept.check_integrity()).empty());
  CHECK(value(whole.check_integrity()).empty());
}

TEST_CASE("decisions within the horizon are undone exactly, older ones are refused", "[schema][retention]") {
  const Folder folder;
  auto whole = open(folder.file("whole.db"));
  auto kept = open(folder.file("kept.db"));
  const auto played = play(whole, 9, false, {});
  play(kept, 9, true, half_a_year());
  const auto undo = [&](schema::Store& store, std::uint64_t id) {
    return value(store.undo(id, kDecision, demonstration(), &score::reckon, played.end));
  };
  const auto latest = value(kept.audit(1)).at(0).id;
  CHECK(undo(kept, latest).outcome == schema::Undone::Outcome::undone);
  CHECK(undo(whole, latest).outcome == schema::Undone::Outcome::undone);
  CHECK(recorded(kept, played.end) == recorded(whole, played.end));
  const auto first = value(kept.audit(1'000)).back().id;
  const auto refused = undo(kept, first);
  CHECK(refused.outcome == schema::Undone::Outcome::too_old);
  CHECK(refused.reaches_back_to > played.delisted.front().first);
}

TEST_CASE("evidence expires by its recording; the incident still counts, and shows what has expired",
          "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1, kNow - 200 * kDay)}, kNow);
  record(store, {incident("192.0.2.1", 2, kNow + 50 * kDay)}, kNow + 50 * kDay);
  CHECK(keep_up(store, kNow + 90 * kDay).evidence == 0);
  CHECK(keep_up(store, kNow + 91 * kDay).evidence == 1);
  const auto dossier = value(store.dossier(ip("192.0.2.1"), 10));
  REQUIRE(dossier.incidents.size() == 2);
  CHECK(dossier.incidents[0].evidence_kept);
  CHECK_FALSE(dossier.incidents[1].evidence_kept);
  CHECK(dossier.incidents[1].subject.empty());
  CHECK(dossier.incidents[1].witness.starts_with('#'));
  CHECK(dossier.incidents[1].kind == Kind::dsn);
  CHECK(dossier.incidents[1].credit == 1);
  CHECK(dossier.incidents_in_all == 2);
  REQUIRE(dossier.evidence_since);
  CHECK(*dossier.evidence_since == kNow + 50 * kDay);
  // The same delivery once more is still known.
  CHECK(record(store, {incident("192.0.2.1", 1, kNow - 200 * kDay)}, kNow + 91 * kDay).duplicates == 1);
}

TEST_CASE("quarantine is bounded in octets and in age", "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  const auto quarantine = [&](int number, UnixTime at) {
    schema::Batch batch;
    batch.feed = "test";
    batch.quarantined.push_back({.digest = incident("192.0.2.1", number).digest,
                                 .feed = "test",
                                 .at = at,
                                 .where = "line",
                                 .reason = "not-json",
                                 .detail = "",
                                 .for_log = "",
                                 .bytes = std::string(10'000, 'x')});
    value(store.record(batch, demonstration(), &score::assess, at));
  };
  for (int i = 0; i < 20; ++i) quarantine(i, kNow + i * kDay);
  CHECK(value(store.stats(kNow)).quarantine_octets == 200'000);
  Retention retention;
  retention.quarantine_octets = 100'000;
  CHECK(keep_up(store, kNow + 20 * kDay, retention).quarantined == 10);
  CHECK(value(store.quarantined(100)).back().at == kNow + 10 * kDay);
  CHECK(keep_up(store, kNow + 45 * kDay, retention).quarantined == 5);
  CHECK(value(store.stats(kNow)).quarantine_octets == 50'000);
}

TEST_CASE("the journal is shortened, except for the last entry of each listing", "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  const std::vector<Prefix> some{net("192.0.2.1"), net("192.0.2.2")};
  value(store.list(some, std::nullopt, kDecision, kNow));
  value(store.delist(net("192.0.2.2"), kDecision, kNow + kDay));
  value(store.list({some.data(), 1}, kNow + 300 * kDay, kDecision, kNow + 2 * kDay));
  value(store.list({some.data() + 1, 1}, std::nullopt, kDecision, kNow + 100 * kDay));
  const auto head = value(store.serial());
  CHECK(keep_up(store, kNow + 120 * kDay).changes == 4);
  CHECK(value(store.serial()) == head);
  CHECK(value(store.check_integrity()).empty());
  // The entry by which 192.0.2.1 is listed stays, those that it replaced, or that ended, are gone.
  CHECK(value(store.dossier(ip("192.0.2.1"), 0)).history.size() == 1);
  CHECK(value(store.dossier(ip("192.0.2.2"), 0)).history.size() == 1);
  CHECK(value(store.kept(kNow)).changes_since == kNow + 100 * kDay);
}

TEST_CASE("above max_disk the oldest evidence is removed first, and the newest stays", "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  for (int day = 0; day < 30; ++day) {
    std::vector<Incident> incidents;
    for (int i = 0; i < 200; ++i) {
      auto one = incident("192.0.2." + std::to_string(i), day * 1'000 + i, kNow + day * kDay);
      one.subject = std::string(400, 'x');
      incidents.push_back(std::move(one));
    }
    record(store, std::move(incidents), kNow + day * kDay);
  }
  const UnixTime now = kNow + 29 * kDay + Duration{60};
  const auto used = [&] {
    const auto kept = value(store.kept(now));
    return kept.octets - kept.free_octets;
  };
  const auto before = used();
  Retention retention;
  retention.max_disk = before * 3 / 4;
  const auto done = keep_up(store, now, retention);
  CHECK(done.shortened);
  CHECK(done.evidence > 0);
  CHECK(done.incidents == 0);
  CHECK(used() <= *retention.max_disk);
  CHECK(value(store.dossier(ip("192.0.2.7"), 1)).incidents.at(0).evidence_kept);
  retention.max_disk = 1'000'000;
  keep_up(store, now, retention);
  CHECK(value(store.dossier(ip("192.0.2.7"), 1)).incidents.at(0).evidence_kept);
}

TEST_CASE("a sender without records is removed, and its incidents stay in the totals", "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store,
         {incident("192.0.2.1", 1), incident("192.0.2.1", 2), incident("192.0.2.1", 3), incident("192.0.2.9", 4)});
  CHECK(value(store.stats(kNow)).senders == 2);
  CHECK(keep_up(store, kNow + 366 * kDay).incidents == 4);
  // Until then it may have been listed.
  const UnixTime later = kNow + 366 * kDay + Policy{}.max_listing;
  value(store.expire(later));
  keep_up(store, later);
  const auto stats = value(store.stats(later));
  CHECK(stats.senders == 0);
  CHECK(stats.incidents == 4);
  CHECK(stats.incidents_by_kind.at(0) == 4);
  CHECK_FALSE(value(store.dossier(ip("192.0.2.1"), 10)).standing);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE(
    "the oldest incidents of a sender with very many are removed, and an undo reports the senders that it can't change",
    "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  constexpr int kMany = 31'000;
  for (int first = 0; first < kMany; first += 1'000) {
    std::vector<Incident> incidents;
    // A thousand and more in a second, and some of another sender.
    for (int i = first; i < first + 1'000; ++i) {
      auto one = incident("192.0.2.1", i, kNow + Duration{i / 1'700});
      one.campaign = "c" + std::to_string(i % 7);
      incidents.push_back(std::move(one));
    }
    incidents.push_back(incident("192.0.2.9", 1'000'000 + first, kNow + Duration{first}));
    record(store, std::move(incidents), kNow + Duration{40'000});
  }
  value(store.delist(net("192.0.2.0/24"), kDecision, kNow + Duration{5}));
  keep_up(store, kNow + kDay);
  const auto kept = kept_incidents(store, kNow + kDay);
  CHECK(kept >= 20'000 + 31);
  CHECK(kept <= 25'000 + 31);
  const auto undone = value(store.undo(1, kDecision, demonstration(), &score::reckon, kNow + kDay));
  CHECK(undone.outcome == schema::Undone::Outcome::undone);
  CHECK(undone.left_alone == 1);
  CHECK(undone.reckoned == 1);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("a sweep removes everything that has expired, however many incidents there are in one second",
          "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto whole = open(folder.file("whole.db"));
  for (auto* const into : {&store, &whole}) {
    std::vector<Incident> incidents;
    for (int i = 0; i < 5'000; ++i) incidents.push_back(incident("192.0.2.1", i, kNow + Duration{i / 3}));
    for (int i = 0; i < 3'000; ++i) {
      incidents.push_back(incident("192.0.3." + std::to_string(i % 200), 10'000 + i, kNow + Duration{i}));
    }
    record(*into, std::move(incidents), kNow + kDay);
  }
  keep_up(store, kNow + 366 * kDay);
  CHECK(kept_incidents(store, kNow + 366 * kDay) == 0);
  CHECK(recorded(store, kNow + 2 * kDay) == recorded(whole, kNow + 2 * kDay));
  CHECK(replayed(store, demonstration(), kNow + 366 * kDay, told) ==
        replayed(whole, demonstration(), kNow + 366 * kDay, told));
}

TEST_CASE("a witness whose texts have expired is the same witness after an undo", "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  const Policy policy;  // two witnesses list
  const auto deliver = [&](int first, UnixTime at) {
    std::vector<Incident> incidents;
    for (int i = first; i < first + 9; ++i) {
      auto one = incident("9.9.9.9", i, at + Duration{i});
      one.trap = "a@trap.example.net";
      one.witness = "@trap.example.net";
      one.campaign = "c" + std::to_string(i);
      one.origin = "o" + std::to_string(i);
      incidents.push_back(std::move(one));
    }
    schema::Batch batch;
    batch.feed = "traps";
    batch.incidents = std::move(incidents);
    value(store.record(batch, policy, &score::assess, at + Duration{20}));
  };
  Retention retention;
  retention.evidence = kDay;
  deliver(0, kNow);
  const UnixTime later = kNow + 3 * kDay;
  REQUIRE(keep_up(store, later, retention).evidence == 9);
  value(store.delist(net("9.9.9.0/24"), kDecision, later));
  CHECK(value(store.undo(1, kDecision, policy, &score::reckon, later)).reckoned == 1);
  deliver(100, later + Duration{1});
  CHECK(value(store.stats(later + kDay)).listings_automatic == 0);
  const auto dossier = value(store.dossier(ip("9.9.9.9"), 1));
  REQUIRE(dossier.witnesses.size() == 1);
  CHECK_FALSE(dossier.witnesses[0].label.starts_with('#'));
}

TEST_CASE("evidence with a time in the future expires with that which followed it", "[schema][retention]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1, kNow + 3650 * kDay)}, kNow + 3650 * kDay);
  record(store, {incident("192.0.2.1", 2, kNow)}, kNow);
  CHECK(keep_up(store, kNow + 91 * kDay).evidence == 2);
}
