// Compares the index with a simple model, for every address of a small universe.
#include "catch.h"
#include "zone_fixture.h"

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

using namespace blowback;
using namespace blowback::test;
using zone::ListingIndex;

namespace {

/// The universe is the last byte of one of these; entries are prefixes in it, and a few wider ones.
struct Universe {
  IpAddress base;
  int width;  ///< bits of an address
};

struct Model {
  std::map<std::pair<Prefix, Source>, Listing> listings;
  std::map<Prefix, Exemption> exemptions;

  [[nodiscard]] CodeSet codes_at(const IpAddress& address, UnixTime now) const {
    CodeSet codes;
    for (const auto& [prefix, exemption] : exemptions) {
      if (exemption.in_force(now) && prefix.contains(address)) return {};
    }
    for (const auto& [key, listing] : listings) {
      if (listing.in_force(now) && key.first.contains(address)) codes |= listing.codes;
    }
    return codes;
  }

  [[nodiscard]] CodeSet undivided_codes(const Prefix& network, UnixTime now) const {
    CodeSet codes;
    for (const auto& [prefix, exemption] : exemptions) {
      if (exemption.in_force(now) && (prefix.contains(network) || network.contains(prefix))) return {};
    }
    for (const auto& [key, listing] : listings) {
      if (!listing.in_force(now)) continue;
      if (key.first != network && network.contains(key.first)) return {};
      if (key.first.contains(network)) codes |= listing.codes;
    }
    return codes;
  }
  [[nodiscard]] std::vector<Piece> in_force(UnixTime now) const {
    std::vector<Piece> pieces;
    for (const auto& [prefix, exemption] : exemptions) {
      if (exemption.in_force(now)) pieces.push_back({.prefix = prefix, .codes = {}});
    }
    for (const auto& [key, listing] : listings) {
      if (listing.in_force(now)) pieces.push_back({.prefix = key.first, .codes = listing.codes});
    }
    return pieces;
  }
  [[nodiscard]] int widest(const IpAddress& address, UnixTime now) const {
    int widest = 128;
    for (const auto& [key, listing] : listings) {
      if (listing.in_force(now) && key.first.contains(address)) widest = std::min(widest, key.first.length());
    }
    return widest;
  }
};

std::vector<std::pair<Prefix, unsigned>> in_order(const std::vector<Piece>& pieces) {
  std::vector<std::pair<Prefix, unsigned>> sorted;
  for (const auto& piece : pieces) sorted.emplace_back(piece.prefix, piece.codes.bits());
  std::ranges::sort(sorted);
  return sorted;
}

IpAddress address_in(const Universe& universe, unsigned last) {
  auto octets = universe.base.octets();
  octets[15] = static_cast<std::uint8_t>(last);
  return IpAddress::from_octets(octets);
}

}  // namespace

TEST_CASE("index and brute force agree on every address and every network, however the index was made", "[zone]") {
  const auto seed = GENERATE(range(1U, 41U));
  const auto universe = GENERATE(Universe{ip("198.51.100.0"), 32}, Universe{ip("2001:db8::"), 128});
  CAPTURE(seed, universe.base.to_string());
  std::mt19937 random(seed);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<int>(from, to)(random); };
  const auto some_prefix = [&] {
    // Nested on purpose: short universes make collisions and coverings common.
    const int length = pick(0, 19) == 0 ? universe.width - 8 - pick(0, 8) : universe.width - pick(0, 8);
    return Prefix::covering(address_in(universe, static_cast<unsigned>(pick(0, 255))), length);
  };
  const auto some_end = [&]() -> std::optional<UnixTime> {
    if (pick(0, 1) == 0) return std::nullopt;
    return kNow + std::chrono::seconds{pick(-5, 5)};
  };

  Model model;
  Serial serial = 0;
  ListingIndex index;
  const int rounds = pick(1, 12);
  for (int round = 0; round < rounds; ++round) {
    std::vector<ListingChange> changes;
    for (int i = pick(1, 6); i > 0; --i) {
      ListingChange change;
      change.serial = ++serial;
      change.action = static_cast<ListingChange::Action>(pick(0, 5));
      change.prefix = some_prefix();
      change.source = pick(0, 1) == 0 ? Source::automatic : Source::by_operator;
      change.expires_at = some_end();
      switch (change.action) {
        case ListingChange::Action::listed:
        case ListingChange::Action::prolonged: {
          change.codes = CodeSet::from_bits(static_cast<std::uint32_t>(pick(1, 127)));
          Listing listing;
          listing.prefix = change.prefix;
          listing.source = change.source;
          listing.codes = change.codes;
          listing.expires_at = change.expires_at;
          model.listings[{change.prefix, change.source}] = listing;
          break;
        }
        case ListingChange::Action::delisted:
        case ListingChange::Action::expired:
          model.listings.erase({change.prefix, change.source});
          break;
        case ListingChange::Action::exempted: {
          Exemption exemption;
          exemption.prefix = change.prefix;
          exemption.expires_at = change.expires_at;
          model.exemptions[change.prefix] = exemption;
          break;
        }
        case ListingChange::Action::exemption_ended:
          model.exemptions.erase(change.prefix);
          break;
      }
      changes.push_back(change);
    }
    // Time of building: early enough that what is dropped as ended is so for every question below.
    index = index.with(changes);
    if (pick(0, 3) == 0) {
      std::vector<Listing> listings;
      for (const auto& [key, listing] : model.listings) listings.push_back(listing);
      std::vector<Exemption> exemptions;
      for (const auto& [key, exemption] : model.exemptions) exemptions.push_back(exemption);
      index = ListingIndex::of(serial, listings, exemptions, kNow - std::chrono::seconds{10});
    }
  }

  for (const int offset : {-3, 0, 3}) {
    const auto now = kNow + std::chrono::seconds{offset};
    const auto swept = index.without_ended(now);
    std::vector<Piece> walked;
    for (ListingIndex::Walk walk(index, now); const auto piece = walk.next();) walked.push_back(*piece);
    CHECK(std::ranges::is_sorted(walked, walked_before, &Piece::prefix));
    CHECK(in_order(walked) == in_order(model.in_force(now)));
    std::vector<bool> is_listed(256);
    for (unsigned last = 0; last < 256; ++last) {
      const auto address = address_in(universe, last);
      const auto expected = model.codes_at(address, now);
      is_listed[last] = !expected.empty();
      CAPTURE(address.to_string(), offset);
      REQUIRE(index.codes_at(address, now).bits() == expected.bits());
      REQUIRE(swept.codes_at(address, now).bits() == expected.bits());
      if (!expected.empty()) REQUIRE(index.cover_of(address, now).widest == model.widest(address, now));
    }
    for (int bits = 0; bits <= 8; ++bits) {
      const unsigned size = 1U << static_cast<unsigned>(bits);
      for (unsigned first = 0; first < 256; first += size) {
        const auto prefix = Prefix::covering(address_in(universe, first), universe.width - bits);
        bool expected = false;
        for (unsigned last = first; last < first + size; ++last) expected = expected || is_listed[last];
        CAPTURE(prefix.to_string(), offset);
        REQUIRE(index.anything_within(prefix, now) == expected);
        REQUIRE(swept.anything_within(prefix, now) == expected);
        const auto undivided = model.undivided_codes(prefix, now);
        for (const auto& one : {index, swept}) {
          const auto codes = one.is_divided(prefix, now) ? CodeSet() : one.cover_of(prefix, now).codes;
          REQUIRE(codes.bits() == undivided.bits());
        }
      }
    }
  }
}

TEST_CASE("an index patched through many merges equals one that was built at once", "[zone]") {
  std::mt19937 random(7);
  ListingIndex patched;
  std::map<Prefix, Listing> model;
  Serial serial = 0;
  for (int batch = 0; batch < 60; ++batch) {
    std::vector<ListingChange> changes;
    for (int i = 0; i < 500; ++i) {
      ListingChange change;
      change.serial = ++serial;
      change.prefix = Prefix::of(IpAddress::from_v4(static_cast<std::uint32_t>(0xc6120000U + random() % 20'000)));
      change.codes = CodeSet::from_bits(static_cast<std::uint32_t>(1U + random() % 127U));
      change.action = random() % 3 == 0 ? ListingChange::Action::delisted : ListingChange::Action::listed;
      if (change.action == ListingChange::Action::delisted) {
        model.erase(change.prefix);
      } else {
        Listing listing;
        listing.prefix = change.prefix;
        listing.codes = change.codes;
        model[change.prefix] = listing;
      }
      changes.push_back(change);
    }
    patched = patched.with(changes);
  }
  std::vector<Listing> listings;
  for (const auto& [prefix, listing] : model) listings.push_back(listing);
  const auto built = ListingIndex::of(serial, listings, {}, kNow);
  CHECK(patched.serial() == built.serial());
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const auto address = IpAddress::from_v4(0xc6120000U + i);
    if (patched.codes_at(address, kNow) == built.codes_at(address, kNow)) continue;
    FAIL(address.to_string());
  }
}

TEST_CASE("the IPv4-mapped addresses divide an IPv6 network", "[zone]") {
  const auto index = ListingIndex::of(1, std::vector{listed("::/0")}, {}, kNow);
  for (const auto* const divided : {"::/0", "::/20", "::8000:0:0/81", "::fffe:0:0/95"}) {
    CAPTURE(divided);
    CHECK(index.is_divided(net(divided), kNow));
  }
  for (const auto* const whole : {"1000::/4", "::/81", "::fffe:0:0/96", "::1:0:0:0/80"}) {
    CAPTURE(whole);
    CHECK_FALSE(index.is_divided(net(whole), kNow));
    CHECK(index.cover_of(net(whole), kNow).codes == CodeSet(Code::dsn));
  }
}
