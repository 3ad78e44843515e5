// Recording: once is once, one transaction is one, and what has ended is swept up.
#include "schema_fixture.h"

#include <map>
#include <random>
#include <tuple>

using namespace blowback;
using namespace blowback::schema_test;

namespace {

std::vector<Listing> listings(schema::Store& store, UnixTime now = kNow) { return snapshot(store, now).listings; }

/// The list as the journal tells it from the start.
std::vector<std::tuple<Prefix, Source, int, std::optional<UnixTime>>> replayed(schema::Store& store) {
  std::map<std::pair<Prefix, Source>, std::pair<CodeSet, std::optional<UnixTime>>> list;
  for (const auto& change : value(store.changes_since(0, 1'000'000))) {
    switch (change.action) {
      case ListingChange::Action::listed:
      case ListingChange::Action::prolonged:
        list[{change.prefix, change.source}] = {change.codes, change.expires_at};
        break;
      case ListingChange::Action::delisted:
      case ListingChange::Action::expired:
        list.erase({change.prefix, change.source});
        break;
      case ListingChange::Action::exempted:
      case ListingChange::Action::exemption_ended:
        break;
    }
  }
  std::vector<std::tuple<Prefix, Source, int, std::optional<UnixTime>>> rows;
  for (const auto& [key, state] : list) rows.emplace_back(key.first, key.second, state.first.bits(), state.second);
  return rows;
}

}  // namespace

TEST_CASE("the same delivery read twice counts once", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  const auto once = record(store, {incident("192.0.2.1", 1), incident("192.0.2.1", 1)});
  CHECK(once.incidents == 1);
  CHECK(once.duplicates == 1);
  const auto before = value(store.dossier(ip("192.0.2.1"), 10));
  CHECK(record(store, {incident("192.0.2.1", 1)}).duplicates == 1);
  const auto after = value(store.dossier(ip("192.0.2.1"), 10));
  CHECK(after.standing->score.amount == before.standing->score.amount);
  CHECK(after.incidents_in_all == 1);
  CHECK(value(store.stats(kNow)).feeds.at(0).counts.duplicates == 2);
}

TEST_CASE("an incident reads back as it was recorded, with its credit", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto given = incident("2001:db8::25", 7);
  given.kind = Kind::auto_reply;
  given.cause = Cause::over_quota;
  given.confidence = 0.5;
  given.claims_trap = true;
  given.relayed = Relayed::no;
  given.doubtful_boundary = false;
  given.origin = "203.0.113.0/24";
  given.mailbox = "anna@example.org";
  given.mailbox_exists = true;
  given.could_have_known = true;
  given.queue_id = "4XyZ";
  given.message_id = "x@y";
  given.reporting_mta = "mx.example.org";
  given.product = "postfix";
  given.first_received = "from a by b";
  given.size = 1234;
  record(store, {given});
  const auto dossier = value(store.dossier(ip("2001:db8::1"), 10));  // the same /64
  REQUIRE(dossier.incidents.size() == 1);
  const auto& read = dossier.incidents[0];
  CHECK(read.evidence_kept);
  CHECK(read.client == given.client);
  CHECK(read.received_at == given.received_at);
  CHECK(read.trap == given.trap);
  CHECK(read.campaign == given.campaign);
  CHECK(read.kind == given.kind);
  CHECK(read.cause == given.cause);
  CHECK(read.confidence == given.confidence);
  CHECK(read.claims_trap);
  CHECK(read.witness == given.witness);
  CHECK(read.reverse_path == ReversePath::null);
  CHECK(read.origin == given.origin);
  CHECK(read.mailbox == given.mailbox);
  CHECK(read.could_have_known);
  CHECK(read.queue_id == "4XyZ");
  CHECK(read.first_received == "from a by b");
  CHECK(read.size == 1234);
  REQUIRE(read.signals.size() == 2);
  CHECK(read.signals[1].name == "null-reverse-path");
  CHECK(read.signals[1].weight == 1.5);
  CHECK(read.credit == Approx(0.35));
  CHECK(dossier.sender == net("2001:db8::/64"));
  CHECK(dossier.witnesses.at(0).label == given.witness);
  CHECK(dossier.origins.at(0).label == given.origin);
  CHECK(dossier.mailboxes.at(0).label == given.mailbox);
  CHECK(dossier.kinds.at(0).label == "auto_reply");
}

TEST_CASE("the third bounce lists, and the journal has it with the next serial", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  CHECK(record(store, {incident("192.0.2.1", 1), incident("192.0.2.1", 2)}).serial == 0);
  const auto recorded = record(store, {incident("192.0.2.1", 3)});
  CHECK(recorded.newly_listed == std::vector{net("192.0.2.1")});
  CHECK(recorded.serial == 1);
  CHECK(value(store.check(ip("192.0.2.1"), kNow)) == CodeSet(Code::dsn));
  CHECK(value(store.check(ip("192.0.2.2"), kNow)).empty());
  CHECK(record(store, {incident("192.0.2.1", 4)}).prolonged == 1);
  const auto changes = value(store.changes_since(0, 10));
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].action == ListingChange::Action::listed);
  CHECK(changes[1].action == ListingChange::Action::prolonged);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("one batch and many batches give the same rows, and the journal the same list", "[schema][property]") {
  std::mt19937 random(5);
  std::vector<Incident> incidents;
  for (int i = 0; i < 600; ++i) {
    incidents.push_back(incident("198.51.100." + std::to_string(random() % 20), i, kNow + Duration{i * 5'000}));
    if (i % 10 == 0) incidents.back().client = ip("2001:db8:0:" + std::to_string(random() % 3) + "::1");
  }
  const Folder folder;
  auto one = open(folder.file("one.db"));
  auto many = open(folder.file("many.db"));
  record(one, incidents, kNow + Duration{600 * 5'000});
  for (std::size_t i = 0; i < incidents.size();) {
    const std::size_t n = std::min<std::size_t>(1 + random() % 40, incidents.size() - i);
    // each batch overlaps the one before, as a feed does that is read again after a kill
    const std::size_t from = i - std::min<std::size_t>(i, random() % 20);
    record(
        many,
        {incidents.begin() + static_cast<std::ptrdiff_t>(from), incidents.begin() + static_cast<std::ptrdiff_t>(i + n)},
        kNow + Duration{600 * 5'000});
    i += n;
  }
  const UnixTime now = kNow + Duration{600 * 5'000};
  CHECK(listings(one, now) == listings(many, now));
  CHECK_FALSE(listings(one, now).empty());
  for (auto* store : {&one, &many}) {
    CHECK(value(store->check_integrity()).empty());
    std::vector<std::tuple<Prefix, Source, int, std::optional<UnixTime>>> rows;
    for (const auto& listing : listings(*store, UnixTime{})) {
      rows.emplace_back(listing.prefix, listing.source, listing.codes.bits(), listing.expires_at);
    }
    CHECK(rows == replayed(*store));
  }
  for (const auto& suffix : {"198.51.100.3", "2001:db8:0:1::1"}) {
    CHECK(value(one.dossier(ip(suffix), 1)).standing->score.amount ==
          value(many.dossier(ip(suffix), 1)).standing->score.amount);
  }
}

TEST_CASE("the feed's position is taken over with its batch and kept where a batch has none", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  CHECK_FALSE(value(store.feed_position("mbox")));
  schema::Batch batch;
  batch.feed = "mbox";
  batch.position = "4096";
  value(store.record(batch, demonstration(), &score::assess, kNow));
  batch.position.reset();
  value(store.record(batch, demonstration(), &score::assess, kNow));
  CHECK(value(store.feed_position("mbox")) == "4096");
}

TEST_CASE("a quarantined delivery is kept once, cut to the limit", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  schema::Batch batch;
  batch.feed = "jsonl";
  const schema::Quarantined thing{.digest = std::string(64, 'b'),
                                  .feed = "jsonl",
                                  .at = kNow,
                                  .where = "line 12",
                                  .reason = "not-json",
                                  .detail = "expected a value",
                                  .bytes = std::string("{\0x", 3) + std::string(2U << 20U, 'y')};
  batch.quarantined = {thing, thing};
  batch.counts.quarantined = 2;
  value(store.record(batch, demonstration(), &score::assess, kNow));
  const auto kept = value(store.quarantined(10));
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].bytes.size() == 64U << 10U);
  CHECK(kept[0].bytes.substr(0, 3) == std::string("{\0x", 3));
  CHECK(kept[0].where == "line 12");
}

TEST_CASE("a listing that has ended is removed with its own serial, and the next one is a repeat", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1), incident("192.0.2.1", 2), incident("192.0.2.1", 3)});
  const UnixTime ends = *listings(store).at(0).expires_at;
  CHECK(value(store.expire(ends - Duration{1})) == 0);
  CHECK(value(store.check(ip("192.0.2.1"), ends)).empty());  // not in force, although still there
  CHECK(value(store.expire(ends)) == 1);
  CHECK(listings(store, UnixTime{}).empty());
  CHECK(value(store.changes_since(0, 10)).back().action == ListingChange::Action::expired);
  const UnixTime later = ends + Duration{10};
  record(store, {incident("192.0.2.1", 4, later), incident("192.0.2.1", 5, later), incident("192.0.2.1", 6, later)},
         later);
  CHECK(value(store.dossier(ip("192.0.2.1"), 1)).standing->times_listed == 2);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("a backlog gives the same result whether or not ended listings are removed in between", "[schema]") {
  std::mt19937 random(17);
  std::vector<Incident> incidents;
  for (int i = 0; i < 900; ++i) {
    const auto ago = Duration{random() % (45UL * 86'400UL)};
    incidents.push_back(incident("198.51.100." + std::to_string(random() % 30), i, kNow - ago));
  }
  const Folder folder;
  auto calm = open(folder.file("calm.db"));
  auto swept = open(folder.file("swept.db"));
  record(calm, incidents);
  for (const auto& one : incidents) {
    record(swept, {one});
    value(swept.expire(kNow));
  }
  value(calm.expire(kNow));
  CHECK(listings(calm) == listings(swept));
  for (int host = 0; host < 30; ++host) {
    const auto address = ip("198.51.100." + std::to_string(host));
    const auto a = value(calm.dossier(address, 1));
    const auto b = value(swept.dossier(address, 1));
    REQUIRE(a.standing.has_value() == b.standing.has_value());
    if (!a.standing) continue;
    CHECK(a.standing->times_listed == b.standing->times_listed);
    CHECK(a.standing->listed_until == b.standing->listed_until);
  }
}

TEST_CASE("another connection sees a commit by its change mark", "[schema]") {
  const Folder folder;
  auto writer = open(folder.file("a.db"));
  auto follower = open(folder.file("a.db"), schema::Store::Mode::read);
  const auto before = value(follower.change_mark());
  CHECK(value(follower.change_mark()) == before);
  record(writer, {incident("192.0.2.1", 1)});
  CHECK(value(follower.change_mark()) != before);
}

TEST_CASE("an incident that doesn't count is recorded, and changes no score", "[schema][fairness]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  std::vector<Incident> incidents;
  for (int i = 0; i < 20; ++i) {
    incidents.push_back(incident("192.0.2.1", i));
    if (i % 3 == 0) incidents.back().reverse_path = ReversePath::set;
    if (i % 3 == 1) incidents.back().reverse_path = ReversePath::unknown;
    if (i % 3 == 2) incidents.back().relayed = Relayed::mailing_list;
  }
  const auto recorded = record(store, incidents);
  CHECK(recorded.incidents == 20);
  CHECK(recorded.uncounted == 20);
  CHECK(recorded.unknown_reverse_path == 7);
  CHECK(recorded.newly_listed.empty());
  const auto dossier = value(store.dossier(ip("192.0.2.1"), 100));
  CHECK(dossier.incidents.size() == 20);
  CHECK(dossier.witnesses.empty());
  CHECK(dossier.standing->score.amount == 0);
  CHECK(value(store.stats(kNow)).feeds.at(0).counts.uncounted == 20);
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("no times, however wrong, do more than the same incidents dated now at the latest",
          "[schema][fairness][property]") {
  std::mt19937 random(23);
  for (int run = 0; run < 20; ++run) {
    CAPTURE(run);
    const Folder folder;
    auto lying = open(folder.file("lying.db"));
    auto honest = open(folder.file("honest.db"));
    UnixTime now = kNow;
    for (int i = 0; i < 60; ++i) {
      now += Duration{random() % 40'000};
      auto one = incident("198.51.100.9", i, now);
      // Days ahead, 2038, 2100, 9999, or long past.
      switch (random() % 6) {
        case 0:
          one.received_at += std::chrono::days{1 + random() % 60};
          break;
        case 1:
          one.received_at = UnixTime{Duration{2'147'483'648}};
          break;
        case 2:
          one.received_at = UnixTime{Duration{4'102'444'800}};
          break;
        case 3:
          one.received_at = UnixTime{Duration{253'402'300'799}};
          break;
        case 4:
          one.received_at -= Duration{random() % 2'000'000};
          break;
        default:
          break;
      }
      auto clamped = one;
      clamped.received_at = std::min(clamped.received_at, now);
      record(lying, {one}, now);
      record(honest, {clamped}, now);
      const auto a = value(lying.dossier(ip("198.51.100.9"), 100));
      const auto b = value(honest.dossier(ip("198.51.100.9"), 100));
      REQUIRE(a.standing->score.amount == b.standing->score.amount);
      REQUIRE(a.standing->score.at == b.standing->score.at);
      REQUIRE(a.standing->listed_until == b.standing->listed_until);
      REQUIRE(listings(lying, now) == listings(honest, now));
      for (const auto& listing : a.listings) REQUIRE(*listing.expires_at <= now + demonstration().max_listing);
    }
  }
}

TEST_CASE("a clock that was ahead for a while makes no sender immune, and no listing permanent", "[schema][fairness]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  const UnixTime ahead = kNow + std::chrono::days{4000};
  record(store, {incident("192.0.2.1", 1, ahead)}, ahead);
  record(store, {incident("192.0.2.2", 11, ahead), incident("192.0.2.2", 12, ahead), incident("192.0.2.2", 13, ahead)},
         ahead);
  for (int i = 20; i < 24; ++i) record(store, {incident("192.0.2.1", i)}, kNow + Duration{i});
  CHECK_FALSE(value(store.check(ip("192.0.2.1"), kNow + Duration{60})).empty());
  record(store, {incident("192.0.2.2", 14)}, kNow);
  for (const auto& listing : listings(store)) {
    CAPTURE(listing.prefix.to_string());
    CHECK(*listing.expires_at <= kNow + Duration{60} + demonstration().max_listing);
  }
}
