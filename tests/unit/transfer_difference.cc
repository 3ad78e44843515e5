// The difference of two versions of the zone is exactly what differs between their names.
#include "catch.h"
#include "evolving_list.h"
#include "sanitized.h"
#include "transfer/zone_difference.h"

#include <string>
#include <vector>

using namespace blowback;
using namespace blowback::test;
using transfer::NameDifference;
using transfer::ZoneDifference;
using transfer::ZoneVersion;
using zone::ListingIndex;

namespace {

[[nodiscard]] std::string text_of(const NameDifference& difference) {
  return difference.subject.to_string() + " " + std::to_string(difference.before.bits()) + " " +
         std::to_string(difference.after.bits());
}

[[nodiscard]] std::vector<std::string> told(ZoneDifference& difference) {
  std::vector<std::string> texts;
  while (const auto each = difference.next()) texts.push_back(text_of(*each));
  return texts;
}

[[nodiscard]] std::vector<std::string> told(const ZoneVersion& first, const ZoneVersion& second,
                                            std::vector<Prefix> changed) {
  ZoneDifference difference(first, second, std::move(changed));
  return told(difference);
}

/// The same difference, from all names of both versions.
[[nodiscard]] std::vector<std::string> expected(const ZoneVersion& first, const ZoneVersion& second) {
  std::vector<NameDifference> differences;
  for (const auto& name : listed_names(first.index, first.at, first.codes))
    differences.push_back({.subject = name.subject, .before = name.codes, .after = {}});
  for (const auto& name : listed_names(second.index, second.at, second.codes))
    differences.push_back({.subject = name.subject, .before = {}, .after = name.codes});
  std::ranges::stable_sort(differences, walked_before, &NameDifference::subject);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < differences.size(); ++i) {
    auto difference = differences[i];
    if (i + 1 < differences.size() && differences[i + 1].subject == difference.subject)
      difference.after = differences[++i].after;
    if (difference.before != difference.after) texts.push_back(text_of(difference));
  }
  return texts;
}

[[nodiscard]] std::string join(const std::vector<std::string>& texts) {
  std::string text;
  for (const auto& each : texts) text += (text.empty() ? "" : ", ") + each;
  return text;
}

[[nodiscard]] std::vector<Prefix> nets(const std::vector<std::string>& texts) {
  std::vector<Prefix> networks;
  for (const auto& text : texts) networks.push_back(net(text));
  return networks;
}

/// What happened in the pairs of a test. A test that never gets somewhere shows nothing.
struct Seen {
  std::size_t pairs = 0;
  std::size_t equal = 0;
  std::size_t divided = 0;  ///< a wildcard is there no more, and names in it are
  std::size_t joined = 0;
  std::size_t recoded = 0;  ///< the name stays, with other codes

  void add(ZoneDifference& difference) {
    ++pairs;
    std::vector<NameDifference> all;
    while (const auto each = difference.next()) all.push_back(*each);
    difference.restart();
    equal += all.empty() ? 1U : 0U;
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
      if (!all[i].subject.contains(all[i + 1].subject)) continue;  // what is in it would be next
      if (all[i].after.empty() && all[i + 1].before.empty()) ++divided;
      if (all[i].before.empty() && all[i + 1].after.empty()) ++joined;
    }
    recoded += std::ranges::any_of(all, [&](const auto& each) { return !each.before.empty() && !each.after.empty(); });
  }
};

/// Changes `list` and compares, `rounds` times, in a zone with `codes`.
void compare(EvolvingList& list, unsigned rounds, unsigned most_changes, CodeSet codes, Seen& seen) {
  auto now = kNow;
  ListingIndex index = ListingIndex().with(list.change(1 + list.to(3 * most_changes), now));
  for (unsigned round = 0; round < rounds; ++round) {
    const ZoneVersion before{.index = index, .at = now, .codes = codes};
    if (list.one_in(2)) now += std::chrono::seconds{list.to(4)};
    // In the first version's list, since what ended may be changed now.
    auto changed = list.ended(before.at, now);
    if (!list.one_in(6)) {
      const auto changes = list.change(1 + list.to(most_changes), now);
      index = index.with(changes);
      for (const auto& change : changes) changed.push_back(change.prefix);
    }
    if (list.one_in(4)) index = index.without_ended(now);
    const ZoneVersion after{.index = index, .at = now, .codes = codes};
    // Some twice, and some that didn't change.
    for (unsigned i = list.to(3); i > 0; --i)
      changed.push_back(list.one_in(2) || changed.empty()
                            ? list.network()
                            : changed.at(list.to(static_cast<unsigned>(changed.size() - 1))));
    for (auto i = changed.size(); i > 1; --i)
      std::swap(changed.at(i - 1), changed.at(list.to(static_cast<unsigned>(i - 1))));

    ZoneDifference difference(before, after, changed);
    CAPTURE(round);
    const auto found = told(difference);
    REQUIRE(join(found) == join(expected(before, after)));
    difference.restart();
    REQUIRE_FALSE(difference.reads_more_than(1'000'000));
    REQUIRE(told(difference) == found);
    difference.restart();
    seen.add(difference);
    // And back again.
    REQUIRE(join(told(after, before, changed)) == join(expected(after, before)));
  }
}

}  // namespace

TEST_CASE("the difference is exactly the names that differ: networks within each other", "[transfer][rfc1995]") {
  constexpr unsigned kLists = kIsSanitized ? 60 : 420;
  Seen seen;
  for (unsigned seed = 1; seed <= kLists; ++seed) {
    CAPTURE(seed);
    EvolvingList list(seed, {kNeighbourhoods.at(seed % kNeighbourhoods.size())});
    // EvolvingList's listings have three codes, the first one most often.
    compare(list, 12, 1 + seed % 5, seed % 3 == 0 ? CodeSet::from_bits(1 + seed / 3 % 6) : CodeSet::all(), seen);
  }
  CAPTURE(seen.pairs, seen.equal, seen.divided, seen.joined, seen.recoded);
  CHECK(seen.equal > seen.pairs / 100);
  CHECK(seen.divided > seen.pairs / 50);
  CHECK(seen.joined > seen.pairs / 50);
  CHECK(seen.recoded > seen.pairs / 30);
}

TEST_CASE("the difference is exactly the names that differ: long lists of both families", "[transfer][rfc1995]") {
  constexpr unsigned kLists = kIsSanitized ? 3 : 12;
  Seen seen;
  for (unsigned seed = 1; seed <= kLists; ++seed) {
    CAPTURE(seed);
    EvolvingList list(seed, kNeighbourhoods);
    compare(list, 10, 60, seed % 3 == 0 ? CodeSet(Code::challenge) : CodeSet::all(), seen);
  }
  CHECK(seen.divided > 0);
}

TEST_CASE("time alone makes a difference", "[transfer][rfc1995]") {
  const auto later = kNow + std::chrono::seconds{10};
  const auto index = index_of({listed("93.185.4.0/24"), listed("93.185.4.7", Code::challenge, later),
                               listed("192.0.2.1", Code::dsn, later), listed("192.0.2.2")},
                              {exempt("192.0.2.2", later)});
  const ZoneVersion before{.index = index, .at = later - std::chrono::seconds{1}};
  const ZoneVersion after{.index = index, .at = later};
  const auto found = told(before, after, nets({"192.0.2.1", "192.0.2.2", "93.185.4.7"}));
  CHECK(found == expected(before, after));
  REQUIRE(found.size() == 256 + 1 + 2);
  CHECK(found.at(0) == "93.185.4.0/24 0 1");
  CHECK(found.at(1) == "93.185.4.0 1 0");
  CHECK(found.at(8) == "93.185.4.7 3 0");
  CHECK(found.at(257) == "192.0.2.1 1 0");
  CHECK(found.at(258) == "192.0.2.2 0 1");
  CHECK(told(before, {.index = index, .at = before.at}, nets({"192.0.2.1", "93.185.4.7"})).empty());
}

TEST_CASE("an address that is the first in a listed network takes the place of its wildcard",
          "[transfer][rfc1995][rfc4592]") {
  const ZoneVersion before{.index = index_of({listed("93.185.0.0/16")}), .at = kNow};
  const ZoneVersion after{.index = index_of({listed("93.185.0.0/16"), listed("93.185.4.7", Code::dsn)}), .at = kNow};
  const auto found = told(before, after, nets({"93.185.4.7"}));
  CHECK(found == expected(before, after));
  CHECK(found.size() == 1 + 255 + 256);
  CHECK(found.front() == "93.185.0.0/16 1 0");
  // The second one doesn't: a name of its own is there.
  const ZoneVersion last{
      .index = index_of({listed("93.185.0.0/16"), listed("93.185.4.7"), listed("93.185.4.8", Code::challenge)}),
      .at = kNow};
  CHECK(told(after, last, nets({"93.185.4.8"})) == std::vector<std::string>{"93.185.4.8 1 3"});
}

TEST_CASE("a change of codes that the zone doesn't have is no difference, and the last of its own takes the TXT along",
          "[transfer][rfc1995]") {
  const auto dsn = CodeSet(Code::dsn);
  const auto version = [&](CodeSet codes) {
    return ZoneVersion{.index = index_of({listed("192.0.2.1", codes)}), .at = kNow, .codes = Code::mdn};
  };
  const auto changed = nets({"192.0.2.1"});
  CHECK(told(version(dsn | Code::mdn), version(Code::mdn), changed).empty());
  CHECK(told(version(dsn), version(dsn | Code::challenge), changed).empty());
  ZoneDifference difference(version(dsn | Code::mdn), version(dsn), changed);
  const auto found = difference.next();
  REQUIRE(found);
  CHECK(found->removed() == CodeSet(Code::mdn));
  CHECK(found->is_txt_removed());
  CHECK_FALSE(difference.next());
}

TEST_CASE("a name that stays has a difference of codes only", "[transfer][rfc1995]") {
  const auto dsn = CodeSet(Code::dsn);
  const ZoneVersion before{.index = index_of({listed("192.0.2.1", dsn | Code::mdn)}), .at = kNow};
  const ZoneVersion after{.index = index_of({listed("192.0.2.1", dsn | Code::challenge)}), .at = kNow};
  ZoneDifference difference(before, after, nets({"192.0.2.1", "192.0.2.1"}));
  const auto found = difference.next();
  REQUIRE(found);
  CHECK(found->removed() == CodeSet(Code::mdn));
  CHECK(found->added() == CodeSet(Code::challenge));
  CHECK_FALSE(found->is_txt_removed());
  CHECK_FALSE(found->is_txt_added());
  CHECK_FALSE(difference.next());
  const ZoneVersion none{.index = index_of({}), .at = kNow};
  ZoneDifference gone(after, none, nets({"192.0.2.1"}));
  const auto last = gone.next();
  REQUIRE(last);
  CHECK(last->removed() == (dsn | Code::challenge));
  CHECK(last->added().empty());
  CHECK(last->is_txt_removed());
  CHECK_FALSE(last->is_txt_added());
}

TEST_CASE("test points are in no difference", "[transfer][rfc1995][rfc5782]") {
  const ZoneVersion before{.index = index_of({}), .at = kNow};
  const ZoneVersion after{
      .index = index_of({listed("127.0.0.2", Code::mdn), listed("127.0.0.0/29"), listed("127.0.0.1")}), .at = kNow};
  const auto changed = nets({"127.0.0.2", "127.0.0.1", "127.0.0.0/29"});
  CHECK(told(before, after, changed) == std::vector<std::string>{"127.0.0.0 0 1"});
  CHECK(told(before, after, changed) == expected(before, after));
}

TEST_CASE("what is said of a network and changes nothing isn't even read", "[transfer][rfc1995]") {
  std::vector<Listing> listings{listed("93.0.0.0/8", Code::dsn, kNow + std::chrono::hours{1})};
  for (unsigned i = 0; i < 1'000; ++i) listings.push_back(listed(IpAddress::from_v4(0x5d000000U + 64 * i).to_string()));
  const ZoneVersion before{.index = index_of(listings), .at = kNow};
  // Another end, the same codes of another source, and nothing at all; then what is in an exempt network.
  listings[0].expires_at = kNow + std::chrono::hours{2};
  listings.push_back(listed("93.0.0.0/8", Code::dsn, std::nullopt, Source::by_operator));
  const ZoneVersion prolonged{.index = index_of(listings), .at = kNow};
  ZoneDifference none(before, prolonged, nets({"93.0.0.0/8", "93.0.0.0/8", "94.0.0.0/8"}));
  CHECK_FALSE(none.reads_more_than(0));
  CHECK_FALSE(none.next());
  const ZoneVersion exempted{.index = index_of({}, {exempt("93.0.0.0/8")}), .at = kNow};
  const ZoneVersion hidden{.index = index_of(listings, {exempt("93.0.0.0/8")}), .at = kNow};
  ZoneDifference unseen(exempted, hidden, nets({"93.0.0.0/8", "93.0.1.0"}));
  CHECK_FALSE(unseen.reads_more_than(0));
  CHECK_FALSE(unseen.next());
}

TEST_CASE("one change in a long list reads few names, and a wide one tells that it reads many", "[transfer][rfc1995]") {
  std::vector<Listing> listings;
  for (unsigned i = 0; i < 50'000; ++i) listings.push_back(listed(IpAddress::from_v4(0xc6000000U + 8 * i).to_string()));
  const auto index = index_of(listings);
  const ZoneVersion before{.index = index, .at = kNow};
  const auto with = [&](ListingChange change) {
    change.serial = 2;
    change.codes = Code::challenge;
    return ZoneVersion{.index = index.with({&change, 1}), .at = kNow};
  };
  ListingChange change;
  change.prefix = net("198.0.0.9");
  ZoneDifference narrow(before, with(change), {change.prefix});
  CHECK(narrow.reads_more_than(0));
  CHECK_FALSE(narrow.reads_more_than(1));
  CHECK(told(narrow) == std::vector<std::string>{"198.0.0.9 0 2"});

  // All addresses of the list get one more code, and others are listed by networks.
  change.prefix = net("198.0.0.0/8");
  ZoneDifference wide(before, with(change), {change.prefix});
  CHECK(wide.reads_more_than(100'000));
  CHECK(wide.reads_more_than(0));
  // Nothing of that is lost, nor read twice.
  CHECK(told(wide).size() == expected(before, with(change)).size());
  CHECK_FALSE(wide.reads_more_than(1'000'000));
}
