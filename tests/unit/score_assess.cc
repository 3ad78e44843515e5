// How incidents change a standing: thresholds, caps, number of witnesses, fading, repeat offences.
#include "catch.h"
#include "score/assess.h"

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>

using namespace blowback;
using score::assess;

namespace {

constexpr UnixTime kStart{Duration{1'780'000'000}};

/// Each mailing has its own origin, so that the cap of origins has no effect in tests that aren't about it.
Incident bounce(const std::string& witness, const std::string& campaign, UnixTime at, Kind kind = Kind::dsn) {
  Incident incident;
  incident.client = *IpAddress::parse("198.51.100.9");
  incident.witness = witness;
  incident.campaign = campaign;
  incident.origin = "origin of " + campaign;
  incident.reverse_path = ReversePath::null;
  incident.received_at = at;
  incident.kind = kind;
  return incident;
}

Policy demonstration() {
  Policy policy;
  policy.allow_documentation = true;
  return policy;
}

/// A store of one sender in memory: what the database does for the scorer, in the simplest way.
struct Sender {
  Policy policy = demonstration();
  Ledger ledger;
  std::map<std::string, FadingSum> witnesses, campaigns, origins, mailboxes;
  std::map<Kind, FadingSum> kinds;
  std::map<std::string, UnixTime> witness_at, campaign_at;
  std::map<Kind, UnixTime> kind_at;
  std::vector<Incident> incidents;

  Assessment take(Incident incident) {
    ledger.standing.sender = sender_of(incident.client);
    ledger.by_witness = witnesses[incident.witness];
    ledger.by_origin = origins[origin_key(incident)];
    ledger.by_mailbox = mailboxes[mailbox_key(incident)];
    ledger.by_campaign = campaigns[incident.campaign];
    ledger.by_kind = kinds[incident.kind];
    const auto since = incident.received_at - policy.memory();
    const auto others = [&](const std::map<std::string, UnixTime>& seen, const std::string& but) {
      int count = 0;
      for (const auto& [key, at] : seen) count += key != but && at > since ? 1 : 0;
      return count;
    };
    ledger.witnesses = others(witness_at, incident.witness);
    ledger.campaigns = others(campaign_at, incident.campaign);
    ledger.codes = {};
    for (const auto& [kind, at] : kind_at) {
      if (at > since) ledger.codes |= code_for(kind);
    }
    const auto result = assess(policy, accusation_of(incident), ledger);
    ledger.standing = result.standing;
    if (result.credit > 0) {
      witnesses[incident.witness] = result.by_witness;
      campaigns[incident.campaign] = result.by_campaign;
      kinds[incident.kind] = result.by_kind;
      origins[origin_key(incident)] = result.by_origin;
      if (!mailbox_key(incident).empty()) mailboxes[mailbox_key(incident)] = result.by_mailbox;
      witness_at[incident.witness] = std::max(witness_at[incident.witness], incident.received_at);
      campaign_at[incident.campaign] = std::max(campaign_at[incident.campaign], incident.received_at);
      kind_at[incident.kind] = std::max(kind_at[incident.kind], incident.received_at);
    }
    incident.credit = result.credit;
    incidents.push_back(incident);
    return result;
  }
};

}  // namespace

TEST_CASE("three bounces of different mailings to two witnesses list, two don't", "[score]") {
  Sender sender;
  CHECK_FALSE(sender.take(bounce("a", "1", kStart)).listing);
  CHECK_FALSE(sender.take(bounce("b", "2", kStart + Duration{60})).listing);
  const auto result = sender.take(bounce("a", "3", kStart + Duration{120}));
  REQUIRE(result.listing);
  CHECK(result.listing->codes == CodeSet(Code::dsn));
  CHECK(result.listing->prefix.to_string() == "198.51.100.9");
  CHECK(result.listing->listed_at == kStart + Duration{120});
  CHECK(result.standing.times_listed == 1);
}

TEST_CASE("one witness alone lists nobody, however often it is hit", "[score]") {
  Sender sender;
  for (int i = 0; i < 100; ++i) CHECK_FALSE(sender.take(bounce("a", std::to_string(i), kStart + Duration{i})).listing);
  CHECK(sender.ledger.standing.score.amount == Approx(3.0).epsilon(0.001));
}

TEST_CASE("one forged mailing lists nobody, however many traps its bounces hit", "[score]") {
  Sender sender;
  for (int i = 0; i < 1'000; ++i) {
    CHECK_FALSE(sender.take(bounce("trap" + std::to_string(i), "joe-job", kStart + Duration{i})).listing);
  }
  CHECK(sender.ledger.standing.score.amount <= sender.policy.campaign_cap + 1e-9);
}

TEST_CASE("a listing ends when the score has faded to delist_below and never outlasts max_listing", "[score]") {
  Sender sender;
  sender.take(bounce("a", "1", kStart));
  sender.take(bounce("b", "2", kStart));
  auto listing = sender.take(bounce("c", "3", kStart)).listing;
  REQUIRE(listing);
  // 3.0 fades to 1.0 in log2(3) half-lives; the end is the next step after that.
  const auto lasts = static_cast<double>((*listing->expires_at - kStart).count());
  const double fades = std::log2(3.0) * 7 * 86400;
  CHECK(lasts >= fades - 1);
  CHECK(lasts <= fades * 9 / 8);
  for (int i = 0; i < 500; ++i)
    listing = sender.take(bounce(std::to_string(i), "m" + std::to_string(i), kStart + Duration{i})).listing;
  REQUIRE(listing);
  const UnixTime latest = kStart + Duration{499} + sender.policy.max_listing;
  CHECK(*listing->expires_at <= latest);
  CHECK(*listing->expires_at > latest - sender.policy.max_listing / 64);
}

TEST_CASE("each incident of a listed sender prolongs, and none shortens", "[score]") {
  Sender sender;
  UnixTime ends{};
  std::mt19937 random(3);
  UnixTime at = kStart;
  for (int i = 0; i < 200; ++i) {
    at += Duration{random() % 20'000};
    const bool was_listed = sender.ledger.standing.listed_until && at < *sender.ledger.standing.listed_until;
    const auto result = sender.take(bounce(std::to_string(i % 7), std::to_string(i), at));
    if (!result.listing) continue;
    if (was_listed) CHECK(*result.listing->expires_at >= ends);
    ends = *result.listing->expires_at;
    CHECK(ends <= at + sender.policy.max_listing);
  }
}

TEST_CASE("repeat offence lasts longer, until the score is forgotten", "[score]") {
  Sender sender;
  const auto offend = [&](UnixTime at) {
    std::optional<Listing> listing;
    for (int i = 0; i < 3; ++i)
      listing = sender.take(bounce(std::to_string(i), std::to_string(at.time_since_epoch().count() + i), at)).listing;
    REQUIRE(listing);
    return *listing->expires_at - at;
  };
  const Duration first = offend(kStart);
  const UnixTime later = kStart + first + Duration{3'600};
  const Duration second = offend(later);
  CHECK(sender.ledger.standing.times_listed == 2);
  CHECK(second > first + first / 2);
  const Duration after_a_year = offend(later + std::chrono::days{365});
  CHECK(sender.ledger.standing.times_listed == 1);
  CHECK(std::abs((after_a_year - first).count()) <= first.count() / 8);  // a step
}

TEST_CASE("a sender that is seen all day moves its listing's end a few times, not each time", "[score]") {
  Sender sender;
  std::set<UnixTime> ends;
  int incidents = 0;
  for (UnixTime at = kStart; at < kStart + std::chrono::days{14}; at += std::chrono::minutes{10}) {
    ++incidents;
    const auto number = std::to_string(incidents);
    if (const auto listing = sender.take(bounce(std::to_string(incidents % 7), number, at)).listing) {
      ends.insert(*listing->expires_at);
      // It never ends before the score has faded, within max_listing.
      CHECK(*listing->expires_at >= std::min(score::fades_out_at(sender.ledger.standing.score, sender.policy),
                                             at + sender.policy.max_listing - sender.policy.max_listing / 64));
    }
  }
  CHECK(ends.size() * 20 <= static_cast<std::size_t>(incidents));
}

TEST_CASE("the credits that were recorded add up to the score, with caps and fading", "[score][property]") {
  std::mt19937 random(7);
  for (int run = 0; run < 50; ++run) {
    Sender sender;
    UnixTime at = kStart;
    for (int i = 0; i < 60; ++i) {
      at += Duration{random() % 200'000};
      auto incident =
          bounce(std::to_string(random() % 4), std::to_string(random() % 6), at, static_cast<Kind>(random() % 6));
      incident.confidence = random() % 2 == 0 ? 1.0 : 0.6;
      if (random() % 5 == 0) incident.received_at -= Duration{random() % 400'000};  // a backlog, out of order
      sender.take(incident);
    }
    const UnixTime now = at + Duration{12'345};
    double sum = 0;
    for (const auto& incident : sender.incidents) {
      sum += faded({.amount = incident.credit, .at = incident.received_at}, now, sender.policy.half_life);
    }
    CAPTURE(run);
    REQUIRE(sum == Approx(faded(sender.ledger.standing.score, now, sender.policy.half_life)).epsilon(1e-9));
  }
}

TEST_CASE("a backlog read in any order gives the same score if no cap is reached", "[score][property]") {
  std::mt19937 random(11);
  std::vector<Incident> incidents;
  for (int i = 0; i < 30; ++i) {
    incidents.push_back(bounce(std::to_string(i), std::to_string(i), kStart + Duration{random() % 2'000'000}));
  }
  const UnixTime now = kStart + Duration{3'000'000};
  std::optional<double> expected;
  for (int run = 0; run < 20; ++run) {
    Sender sender;
    for (const auto& incident : incidents) sender.take(incident);
    const double score = faded(sender.ledger.standing.score, now, sender.policy.half_life);
    if (!expected) expected = score;
    REQUIRE(score == Approx(*expected).epsilon(1e-9));
    std::shuffle(incidents.begin(), incidents.end(), random);
  }
}

TEST_CASE("incidents before a delisting don't count any more, later ones do", "[score]") {
  Sender sender;
  for (int i = 0; i < 3; ++i) sender.take(bounce(std::to_string(i), std::to_string(i), kStart));
  REQUIRE(sender.ledger.standing.listed_until);
  const UnixTime delisted = kStart + Duration{1'000};
  sender.ledger.standing.score = {.amount = 0, .at = delisted};
  sender.ledger.standing.afresh_since = delisted;
  sender.ledger.standing.listed_at.reset();
  sender.ledger.standing.listed_until.reset();
  sender.witnesses.clear();
  sender.campaigns.clear();
  sender.origins.clear();
  const auto old = sender.take(bounce("9", "9", delisted));
  CHECK(old.credit == 0);
  CHECK(old.standing.score.amount == 0);
  CHECK_FALSE(old.listing);
  CHECK(sender.take(bounce("8", "8", delisted + Duration{1})).credit == 1);
}

TEST_CASE("an exempt sender is counted and never listed", "[score]") {
  Sender sender;
  sender.ledger.exempt = true;
  for (int i = 0; i < 10; ++i) CHECK_FALSE(sender.take(bounce(std::to_string(i), std::to_string(i), kStart)).listing);
  CHECK(sender.ledger.standing.score.amount == Approx(10));
}

TEST_CASE("documentation addresses are listed only if the policy allows it, special-use ones never", "[score]") {
  Sender sender;
  sender.policy.allow_documentation = false;
  for (int i = 0; i < 10; ++i) CHECK_FALSE(sender.take(bounce(std::to_string(i), std::to_string(i), kStart)).listing);
  Sender inside;
  for (int i = 0; i < 10; ++i) {
    auto incident = bounce(std::to_string(i), std::to_string(i), kStart);
    incident.client = *IpAddress::parse("10.0.0.1");
    CHECK_FALSE(inside.take(incident).listing);
  }
}

TEST_CASE("codes are the kinds seen lately", "[score]") {
  Sender sender;
  sender.take(bounce("a", "1", kStart, Kind::auto_reply));
  sender.take(bounce("b", "2", kStart));
  sender.take(bounce("c", "3", kStart));
  auto listing = sender.take(bounce("d", "4", kStart)).listing;
  REQUIRE(listing);
  CHECK(listing->codes == (CodeSet(Code::dsn) | Code::auto_reply));
  const UnixTime later = kStart + sender.policy.memory() + Duration{1};
  for (int i = 10; i < 14; ++i) listing = sender.take(bounce(std::to_string(i), std::to_string(i), later)).listing;
  REQUIRE(listing);
  CHECK(listing->codes == CodeSet(Code::dsn));
}

TEST_CASE("thresholds are compared as they are written, to one decimal", "[score]") {
  CHECK(score::reaches(2.96, 3.0));
  CHECK_FALSE(score::reaches(2.94, 3.0));
  CHECK(score::reaches(3.0, 3.0));
}

TEST_CASE("only a null reverse-path counts, unless the policy says any", "[score][fairness]") {
  const auto path = GENERATE(ReversePath::set, ReversePath::unknown);
  Sender sender;
  Sender any;
  any.policy.any_reverse_path = true;
  for (int i = 0; i < 10; ++i) {
    auto incident = bounce(std::to_string(i), std::to_string(i), kStart + Duration{i});
    incident.reverse_path = path;
    const auto result = sender.take(incident);
    CHECK(result.credit == 0);
    CHECK_FALSE(result.listing);
    any.take(incident);
  }
  CHECK(sender.ledger.standing.score.amount == 0);
  CHECK(any.ledger.standing.listed_until);
  // Nor is it a second witness.
  for (int i = 0; i < 5; ++i) CHECK_FALSE(sender.take(bounce("true", "m" + std::to_string(i), kStart)).listing);
}

TEST_CASE("relayed messages, and those with doubtful boundaries, count under no policy", "[score][fairness]") {
  Sender sender;
  sender.policy.any_reverse_path = true;
  for (int i = 0; i < 10; ++i) {
    auto incident = bounce(std::to_string(i), std::to_string(i), kStart);
    if (i % 2 == 0) incident.relayed = Relayed::trace;
    incident.doubtful_boundary = i % 2 != 0;
    CHECK(sender.take(incident).credit == 0);
  }
}

TEST_CASE("one origin gets nobody listed, with any number of mailings and witnesses; two do", "[score][fairness]") {
  Sender sender;
  const auto fed_by = [](const std::string& origin, int n) {
    auto incident = bounce("w" + std::to_string(n), "m" + std::to_string(n), kStart + Duration{n});
    incident.origin = origin;
    return incident;
  };
  for (int n = 0; n < 100; ++n) CHECK_FALSE(sender.take(fed_by("203.0.113.0/24", n)).listing);
  CHECK(sender.ledger.standing.score.amount <= sender.policy.origin_cap + 1e-9);
  CHECK(sender.take(fed_by("198.51.100.0/24", 100)).listing);
}

TEST_CASE("one replying mailbox gets nobody listed, however often it is provoked", "[score][fairness]") {
  const auto kind = GENERATE(Kind::auto_reply, Kind::challenge, Kind::mdn, Kind::dsn);
  Sender sender;
  for (int n = 0; n < 100; ++n) {
    auto incident = bounce("w" + std::to_string(n), "m" + std::to_string(n), kStart + Duration{n}, kind);
    incident.mailbox = "anna@provider.example";
    incident.mailbox_exists = true;
    CHECK_FALSE(sender.take(incident).listing);
  }
}

TEST_CASE("bounces that name no origin need a third witness or a second day", "[score][fairness]") {
  const auto traceless = [](int witness, int number, UnixTime at) {
    auto incident = bounce("w" + std::to_string(witness), "m" + std::to_string(number), at);
    incident.origin.clear();
    return incident;
  };
  const UnixTime noon = std::chrono::floor<std::chrono::days>(kStart) + std::chrono::hours{12};
  SECTION("two witnesses on one day, however often: not listed") {
    Sender sender;
    for (int n = 0; n < 100; ++n) CHECK_FALSE(sender.take(traceless(n % 2, n, noon + Duration{n})).listing);
  }
  SECTION("one witness on many days: not listed") {
    Sender sender;
    for (int n = 0; n < 100; ++n) CHECK_FALSE(sender.take(traceless(1, n, noon + std::chrono::hours{6 * n})).listing);
  }
  SECTION("two witnesses on two days: listed") {
    Sender sender;
    bool listed = false;
    for (int n = 0; n < 8; ++n) {
      const bool was_listed =
          sender.take(traceless(n % 2, n, noon + std::chrono::hours{n < 4 ? 0 : 24})).listing.has_value();
      CHECK_FALSE((was_listed && n < 4));
      listed |= was_listed;
    }
    CHECK(listed);
  }
  SECTION("three witnesses on one day: listed") {
    Sender sender;
    bool listed = false;
    for (int n = 0; n < 6; ++n) listed |= sender.take(traceless(n % 3, n, noon)).listing.has_value();
    CHECK(listed);
  }
}

TEST_CASE("an incident that can add next to nothing is no witness and doesn't prolong", "[score][fairness]") {
  Sender sender;
  // Two witnesses would be enough, but the second has only an origin that has reached its cap.
  auto incident = bounce("a", "1", kStart);
  incident.origin = "203.0.113.0/24";
  sender.take(incident);
  incident.campaign = "2";
  sender.take(incident);
  incident.campaign = "3";
  incident.witness = "b";
  incident.received_at += Duration{60};
  CHECK(sender.take(incident).credit == 0);
  CHECK_FALSE(sender.take(bounce("a", "4", kStart + Duration{120})).listing);
}
