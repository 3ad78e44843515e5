// A walk that is restricted to a network visits what a walk over the whole list has of it, and its names are those of the whole zone.
#include "catch.h"
#include "evolving_list.h"
#include "sanitized.h"

#include <string>
#include <vector>

using namespace blowback;
using namespace blowback::test;
using zone::ListingIndex;

namespace {

[[nodiscard]] std::vector<std::string> texts(const std::vector<Piece>& pieces) {
  std::vector<std::string> texts;
  for (const auto& piece : pieces) texts.push_back(piece.prefix.to_string() + " " + std::to_string(piece.codes.bits()));
  std::ranges::sort(texts);  // pieces of one network have no order
  return texts;
}

[[nodiscard]] std::vector<Piece> pieces_of(ListingIndex::Walk walk) {
  std::vector<Piece> pieces;
  while (const auto piece = walk.next()) pieces.push_back(*piece);
  return pieces;
}

/// What a restricted walk should say, according to the whole one.
[[nodiscard]] std::vector<Piece> expected_within(const std::vector<Piece>& all, const Prefix& region) {
  std::vector<Piece> inside;
  CodeSet cover;
  for (const auto& piece : all) {
    if (piece.prefix.contains(region)) {
      if (piece.codes.empty()) return {};
      cover |= piece.codes;
    } else if (region.contains(piece.prefix)) {
      inside.push_back(piece);
    }
  }
  if (!cover.empty()) inside.insert(inside.begin(), {.prefix = region, .codes = cover});
  return inside;
}

[[nodiscard]] std::vector<std::string> names_within(const ListingIndex& index, UnixTime now, const Prefix& region) {
  ListingIndex::Walk walk(index, now, region);
  ZoneNames names([&] { return walk.next(); }, region);
  std::vector<std::string> all;
  while (const auto name = names.next()) {
    CHECK_FALSE(name->is_mapped_form);
    all.push_back(name->subject.to_string() + " " + std::to_string(name->codes.bits()));
  }
  return all;
}

}  // namespace

TEST_CASE("a walk within a network agrees with the walk over all, and so do its names", "[zone]") {
  constexpr unsigned kLists = kIsSanitized ? 60 : 300;
  constexpr unsigned kRegions = 30;
  std::size_t within_wildcards = 0;
  std::size_t exempt = 0;
  std::size_t with_names = 0;
  for (unsigned seed = 1; seed <= kLists; ++seed) {
    EvolvingList list(seed, {kNeighbourhoods.at(seed % kNeighbourhoods.size()), kNeighbourhoods.at(seed / 7 % 7)});
    const auto index = ListingIndex().with(list.change(1 + list.to(40), kNow));
    const auto now = kNow + std::chrono::seconds{list.to(8)};
    const auto pieces = pieces_of(ListingIndex::Walk(index, now));
    const auto names = listed_names(index, now);
    for (unsigned i = 0; i < kRegions; ++i) {
      const auto region = list.network();
      CAPTURE(seed, region.to_string());
      const auto expected_pieces = expected_within(pieces, region);
      const auto walked = pieces_of(ListingIndex::Walk(index, now, region));
      REQUIRE(texts(walked) == texts(expected_pieces));
      REQUIRE(std::ranges::is_sorted(walked, walked_before, &Piece::prefix));

      std::vector<std::string> expected;
      bool is_within_wildcard = false;
      const auto is_exempt = std::ranges::any_of(
          pieces, [&](const Piece& piece) { return piece.codes.empty() && piece.prefix.contains(region); });
      REQUIRE(index.is_exempt(region, now) == is_exempt);
      for (const auto& name : names) {
        is_within_wildcard = is_within_wildcard || (name.subject != region && name.subject.contains(region));
        if (region.contains(name.subject))
          expected.push_back(name.subject.to_string() + " " + std::to_string(name.codes.bits()));
      }
      exempt += is_exempt ? 1U : 0U;
      within_wildcards += is_within_wildcard ? 1U : 0U;
      if (is_within_wildcard) continue;
      REQUIRE(names_within(index, now, region) == expected);
      with_names += expected.empty() ? 0U : 1U;
    }
  }
  // A test that never gets somewhere shows nothing.
  CAPTURE(within_wildcards, exempt, with_names);
  CHECK(within_wildcards > kLists);
  CHECK(exempt > kLists);
  CHECK(with_names > std::size_t{3} * kLists);
}

TEST_CASE("a walk within a network begins in the middle of a long layer", "[zone]") {
  std::vector<Listing> listings;
  for (unsigned i = 0; i < 100'000; ++i)
    listings.push_back(listed(IpAddress::from_v4(0xc6000000U + 8 * i).to_string()));
  const auto index = index_of(listings);
  // In the list, before its first address, behind its last, and between two.
  for (const auto& [region, count] : {std::pair("198.5.0.0/16", 8'192U),
                                      {"198.5.7.0/24", 32U},
                                      {"198.5.7.248/29", 1U},
                                      {"198.5.7.8", 1U},
                                      {"198.5.7.9", 0U},
                                      {"198.5.7.12/30", 0U},
                                      {"197.0.0.0/8", 0U},
                                      {"199.0.0.0/8", 0U},
                                      {"0.0.0.0/0", 100'000U},
                                      {"::/0", 0U}}) {
    CAPTURE(region);
    const auto pieces = pieces_of(ListingIndex::Walk(index, kNow, net(region)));
    CHECK(pieces.size() == count);
    CHECK(std::ranges::is_sorted(pieces, walked_before, &Piece::prefix));
    CHECK(std::ranges::all_of(pieces, [&](const Piece& piece) { return net(region).contains(piece.prefix); }));
  }
}
