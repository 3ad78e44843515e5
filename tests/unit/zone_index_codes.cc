// An index that is asked with chosen codes answers as one of a list that has no others.
#include "catch.h"
#include "evolving_list.h"
#include "sanitized.h"

#include <random>
#include <vector>

using namespace blowback;
using namespace blowback::test;
using zone::ListingIndex;

namespace {

/// The changes of a list in which each listing has only those of `codes`, and in which it is missing without any.
std::vector<ListingChange> with_only(CodeSet codes, std::vector<ListingChange> changes) {
  for (auto& change : changes) {
    if (change.action != ListingChange::Action::listed) continue;
    change.codes = change.codes & codes;
    if (change.codes.empty()) change.action = ListingChange::Action::delisted;
  }
  return changes;
}

std::vector<std::pair<Prefix, unsigned>> walked(ListingIndex::Walk walk) {
  std::vector<std::pair<Prefix, unsigned>> pieces;
  while (const auto piece = walk.next()) pieces.emplace_back(piece->prefix, piece->codes.bits());
  std::ranges::sort(pieces);  // of one network, listings come in any order
  return pieces;
}

/// Whether `asked`, asked with `codes`, says the same of `network` as `cut`.
bool same(const ListingIndex& asked, const ListingIndex& cut, const Prefix& network, UnixTime now, CodeSet codes) {
  const auto cover = asked.cover_of(network, now, codes);
  const auto cut_cover = cut.cover_of(network, now);
  const auto at = network.first();
  return cover.codes == cut_cover.codes && (cover.codes.empty() || cover.widest == cut_cover.widest) &&
         asked.codes_at(at, now, codes) == cut.codes_at(at, now) &&
         asked.is_divided(network, now, codes) == cut.is_divided(network, now) &&
         asked.anything_within(network, now, codes) == cut.anything_within(network, now);
}

}  // namespace

TEST_CASE("asked with chosen codes, an index answers as one of a list that has no others", "[zone]") {
  constexpr unsigned kLists = kIsSanitized ? 40 : 200;
  std::size_t only_others = 0;  // networks with something in them, but nothing with the codes
  std::size_t divided = 0;
  for (unsigned seed = 1; seed <= kLists; ++seed) {
    CAPTURE(seed);
    EvolvingList list(seed, kNeighbourhoods);
    // The listings have the first three codes.
    const auto codes = CodeSet::from_bits(1 + list.to(6));
    CAPTURE(codes.bits());
    ListingIndex index;
    ListingIndex cut;
    auto now = kNow;
    for (unsigned round = 0; round < 4; ++round) {
      const auto changes = list.change(1 + list.to(40), now);
      index = index.with(changes);
      cut = cut.with(with_only(codes, changes));
      now += std::chrono::seconds{list.to(3)};
      for (unsigned i = 0; i < 100; ++i) {
        const auto network = list.network();
        CAPTURE(round, network.to_string());
        REQUIRE(same(index, cut, network, now, codes));
        if (i < 10) REQUIRE(walked({index, now, network, codes}) == walked({cut, now, network}));
        only_others += index.anything_within(network, now) && !cut.anything_within(network, now) ? 1U : 0U;
        divided += index.is_divided(network, now) && !cut.is_divided(network, now) ? 1U : 0U;
      }
      REQUIRE(walked({index, now, codes}) == walked({cut, now}));
    }
  }
  CAPTURE(only_others, divided);
  CHECK(only_others > kLists);
  CHECK(divided > kLists);
}

TEST_CASE("codes that few of many listings have are found, whatever blocks and pages lie between them", "[zone]") {
  constexpr unsigned kListings = kIsSanitized ? 60'000 : 300'000;
  std::mt19937 random(1);
  const auto to = [&](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };
  const CodeSet rare = CodeSet(Code::virus_notice) | Code::mdn;
  std::vector<ListingChange> changes;
  for (unsigned i = 0; i < kListings; ++i) {
    ListingChange change;
    change.serial = i + 1;
    // Some of it close together, and in a few places with the rare codes.
    const auto address = to(2) == 0 ? 0xc6000000U | to(0xffff) : to(0xffffffff);
    change.prefix = Prefix::of(IpAddress::from_v4(address));
    change.codes = address >> 28U == 7 && to(200) == 0 ? rare
                   : to(20'000) == 0                   ? CodeSet(Code::mdn)
                                                       : CodeSet(Code::dsn);
    if (to(3) == 0) change.expires_at = kNow + std::chrono::seconds{to(2)};
    changes.push_back(change);
  }
  auto index = ListingIndex().with(changes);
  auto cut = ListingIndex().with(with_only(rare, changes));
  for (unsigned round = 0; round < 3; ++round) {
    const auto now = kNow + std::chrono::seconds{round};
    std::size_t empty = 0;
    for (unsigned i = 0; i < 4'000; ++i) {
      const auto near = IpAddress::from_v4(changes.at(to(kListings - 1)).prefix.first().v4() ^ (1U << to(31)));
      const auto network = Prefix::covering(near, static_cast<int>(4 + to(28)));
      CAPTURE(round, network.to_string());
      REQUIRE(same(index, cut, network, now, rare));
      empty += index.anything_within(network, now) && !cut.anything_within(network, now) ? 1U : 0U;
    }
    CHECK(empty > 400);
    REQUIRE(walked({index, now, rare}) == walked({cut, now}));
    // Further changes: blocks are built anew, merged and split.
    std::vector<ListingChange> more;
    for (unsigned i = 0; i < kListings / 10; ++i) {
      ListingChange change = changes.at(to(kListings - 1));
      change.serial = index.serial() + i + 1;
      if (to(1) == 0) change.action = ListingChange::Action::delisted;
      change.codes = to(3) == 0 ? rare : CodeSet(Code::challenge);
      more.push_back(change);
    }
    index = index.with(more).without_ended(now);
    cut = cut.with(with_only(rare, more)).without_ended(now);
  }
}
