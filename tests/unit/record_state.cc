// What ingest counts per batch, and when it is alive and ready.
#include "catch.h"
#include "record/ingest_state.h"
#include "record/upkeep.h"

#include <chrono>
#include <string>

using namespace blowback;
using namespace std::chrono_literals;
using record::IngestState;

namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};
const std::chrono::steady_clock::time_point kSteady{1h};

IngestState well() {
  IngestState state;
  state.turned_at = kSteady - 1s;
  state.feeds["traps"];
  return state;
}

std::string names(const watch::Health& health) {
  std::string text;
  for (const auto& trouble : health) text += (text.empty() ? "" : " ") + trouble.name;
  return text;
}

}  // namespace

TEST_CASE("a batch is counted by feed, outcome, kind and reason", "[record][metrics]") {
  schema::Batch batch;
  batch.feed = "traps";
  batch.counts = {.deliveries = 10, .not_backscatter = 2, .not_a_trap = 3, .quarantined = 1};
  batch.quarantined.push_back({.feed = "traps", .reason = "too-deep"});
  schema::Recorded recorded;
  recorded.incidents = 4;
  recorded.incidents_by_kind[static_cast<std::size_t>(Kind::challenge)] = 4;
  recorded.duplicates = 5;
  recorded.newly_listed.resize(1, *Prefix::parse("192.0.2.1"));
  recorded.serial = 6;
  auto state = well();
  state.add(batch, recorded, 1ms, kNow);
  state.add(batch, recorded, 1s + 1ns, kNow);
  state.add(batch, recorded, 1min, kNow);
  state.callouts_let_go = 7;
  const auto text = "\n" + to_metrics(state);
  for (const std::string line : {
           R"(blowback_ingest_deliveries_total{feed="traps",outcome="backscatter"} 12)",
           R"(blowback_ingest_deliveries_total{feed="traps",outcome="not_backscatter"} 6)",
           R"(blowback_ingest_deliveries_total{feed="traps",outcome="not_a_trap"} 9)",
           R"(blowback_ingest_deliveries_total{feed="traps",outcome="quarantined"} 3)",
           R"(blowback_ingest_duplicates_total{feed="traps"} 15)",
           R"(blowback_ingest_incidents_total{kind="challenge"} 12)",
           R"(blowback_ingest_incidents_total{kind="dsn"} 0)",
           R"(blowback_ingest_quarantined_total{reason="too-deep"} 3)",
           "blowback_ingest_callouts_let_go_total 7",
           "blowback_ingest_listed_total 3",
           "blowback_journal_serial 6",
           R"(blowback_feed_last_delivery_timestamp_seconds{feed="traps"} 1795514400)",
           R"(blowback_ingest_commit_duration_seconds_bucket{le="0.001"} 1)",
           R"(blowback_ingest_commit_duration_seconds_bucket{le="1"} 1)",
           R"(blowback_ingest_commit_duration_seconds_bucket{le="2.5"} 2)",
           R"(blowback_ingest_commit_duration_seconds_bucket{le="+Inf"} 3)",
       }) {
    CHECK_THAT(text, Catch::Contains("\n" + line + "\n"));
  }
}

TEST_CASE("a lack of room is reported until there is room", "[record][retention]") {
  record::Room room;
  room.update({.more = true, .evidence = 5, .shortened = true, .little_room = true});
  CHECK((room.shortened && !room.none));
  room.update({.more = true, .changes = 5});  // something else was removed first
  CHECK((room.shortened && !room.none));
  room.update({.little_room = true});
  CHECK((!room.shortened && room.none));
  room.update({.more = true, .changes = 5});
  CHECK(room.none);
  auto state = well();
  CHECK_THAT(to_metrics(state), Catch::Contains("\nblowback_database_no_room 0\n"));
  state.no_room = room.none;
  CHECK_THAT(to_metrics(state), Catch::Contains("\nblowback_database_no_room 1\n"));
  room.update({});
  CHECK((!room.shortened && !room.none));
}

TEST_CASE("ingest is alive while its loop makes turns, and ready while mail gets into the database",
          "[record][health]") {
  auto state = well();
  CHECK(names(health(state, kSteady)).empty());
  CHECK(names(readiness(state, kSteady)).empty());
  state.feeds["traps"].trouble = "gone";
  state.database_trouble = "full";
  state.clock_doubt = -25h;
  CHECK(names(health(state, kSteady)).empty());
  CHECK(names(readiness(state, kSteady)) == "database-trouble clock-in-doubt feed-unreadable");
  CHECK_THAT(readiness(state, kSteady)[1].detail, Catch::Contains("behind by 1 day 1 hour"));
  CHECK(readiness(state, kSteady).back().detail == "feed traps: gone");
  CHECK(names(health(state, *state.turned_at + watch::kStandsStill)).empty());
  CHECK(names(health(state, *state.turned_at + watch::kStandsStill + 1ns)) == "loop-stuck");
  CHECK(names(readiness(IngestState{}, kSteady)) == "starting");
  CHECK(names(health(IngestState{}, kSteady)).empty());
}
