// Random lists of networks near each other, of both families, with ends and exemptions, that change again and again.
#pragma once

#include "blowback/listing.h"
#include "blowback/zone_names.h"
#include "zone/listing_index.h"
#include "zone_fixture.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

namespace blowback::test {

/// Where networks of a list lie: around one address, from the shortest prefix to single addresses.
struct Neighbourhood {
  const char* around;
  int shortest;
  int fewest_shared;  ///< leading bits of `around` that all addresses have
};

/// Octets of one digit, which have no wildcards, test points, and the IPv4-mapped addresses' neighbours are among them.
inline const std::vector<Neighbourhood> kNeighbourhoods{
    {"93.185.4.10", 24, 24}, {"93.185.4.10", 14, 12},   {"93.185.4.10", 30, 26},      {"9.9.9.9", 16, 22},
    {"9.10.9.9", 15, 15},    {"127.0.0.1", 20, 24},     {"127.0.0.1", 14, 12},        {"2001:db8::1", 112, 112},
    {"2001:db8::1", 18, 18}, {"2001:db8::1", 60, 56},   {"::fffe:ffff:fffe", 76, 76}, {"::fffe:ffff:fffe", 94, 94},
    {"::1:0:0:1", 60, 70},   {"2001:db8::1", 120, 120},
};

class EvolvingList {
 public:
  /// Networks of all `places`, some within others.
  EvolvingList(unsigned seed, std::vector<Neighbourhood> places) : random_(seed), places_(std::move(places)) {}

  [[nodiscard]] unsigned to(unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random_); }
  [[nodiscard]] bool one_in(unsigned count) { return to(count - 1) == 0; }

  [[nodiscard]] Prefix network() {
    const auto& place = places_.at(to(static_cast<unsigned>(places_.size() - 1)));
    const auto around = ip(place.around);
    const auto lead = static_cast<unsigned>(128 - around.bits());
    auto octets = around.octets();
    // Few bits that differ make equal networks, and networks within each other, frequent.
    for (unsigned flips = to(3); flips > 0; --flips) {
      const auto shared = static_cast<unsigned>(place.fewest_shared);
      const auto bit = lead + shared + to(static_cast<unsigned>(around.bits()) - shared - 1);
      octets.at(bit / 8) = static_cast<std::uint8_t>(octets.at(bit / 8) ^ (0x80U >> bit % 8));
    }
    const auto address = IpAddress::from_octets(octets);
    if (address.family() != around.family() || one_in(3)) return Prefix::of(address);
    const int label = bits_of_label(address.family());
    int length = place.shortest + static_cast<int>(to(static_cast<unsigned>(address.bits() - place.shortest)));
    if (!one_in(3)) length = std::min(address.bits(), (length + label - 1) / label * label);
    return Prefix::covering(address, length);
  }

  /// A few seconds around `now`, or absent.
  [[nodiscard]] std::optional<UnixTime> some_end(UnixTime now) {
    if (one_in(2)) return std::nullopt;
    return now + std::chrono::seconds{to(12)} - std::chrono::seconds{2};
  }

  /// Changes the list. What it returns follows on the changes before.
  [[nodiscard]] std::vector<ListingChange> change(unsigned count, UnixTime now) {
    std::vector<ListingChange> changes;
    for (; count > 0; --count) {
      ListingChange change;
      change.serial = ++serial_;
      change.prefix = network();
      change.source = one_in(2) ? Source::automatic : Source::by_operator;
      change.expires_at = some_end(now);
      // What is there ends more often than what isn't, or nothing would happen.
      const auto known_listing = !one_in(6) ? some_of(listings_) : std::nullopt;
      const auto known_exemption = !one_in(6) ? some_of(exemptions_) : std::nullopt;
      const auto action = to(15);
      if (action < 8) {
        if (known_listing && one_in(3)) std::tie(change.prefix, change.source) = *known_listing;
        change.action = ListingChange::Action::listed;
        change.codes = CodeSet::from_bits(one_in(2) ? 1 : 1 + to(6));
        Listing listing;
        listing.prefix = change.prefix;
        listing.source = change.source;
        listing.codes = change.codes;
        listing.expires_at = change.expires_at;
        listings_[{change.prefix, change.source}] = listing;
      } else if (action < 12) {
        change.action = ListingChange::Action::delisted;
        if (known_listing) std::tie(change.prefix, change.source) = *known_listing;
        listings_.erase({change.prefix, change.source});
      } else if (action < 14) {
        change.action = ListingChange::Action::exempted;
        if (known_exemption) change.prefix = *known_exemption;
        if (one_in(3)) change.prefix = Prefix::of(change.prefix.first());  // a wide one leaves little to be seen
        Exemption exemption;
        exemption.prefix = change.prefix;
        exemption.expires_at = change.expires_at;
        exemptions_[change.prefix] = exemption;
      } else {
        change.action = ListingChange::Action::exemption_ended;
        if (known_exemption) change.prefix = *known_exemption;
        exemptions_.erase(change.prefix);
      }
      changes.push_back(change);
    }
    return changes;
  }

  /// Networks of which something is in force at one of the times only.
  [[nodiscard]] std::vector<Prefix> ended(UnixTime before, UnixTime after) const {
    std::vector<Prefix> networks;
    for (const auto& [key, listing] : listings_) {
      if (listing.in_force(before) != listing.in_force(after)) networks.push_back(key.first);
    }
    for (const auto& [prefix, exemption] : exemptions_) {
      if (exemption.in_force(before) != exemption.in_force(after)) networks.push_back(prefix);
    }
    return networks;
  }

 private:
  /// Absent: there is none.
  template <typename Key, typename Value>
  [[nodiscard]] std::optional<Key> some_of(const std::map<Key, Value>& all) {
    if (all.empty()) return std::nullopt;
    auto one = all.begin();
    std::advance(one, static_cast<std::ptrdiff_t>(to(static_cast<unsigned>(all.size() - 1))));
    return one->first;
  }

  std::mt19937 random_;
  std::vector<Neighbourhood> places_;
  std::map<std::pair<Prefix, Source>, Listing> listings_;
  std::map<Prefix, Exemption> exemptions_;
  Serial serial_ = 0;
};

/// All names of the zone but those of test points, which come first.
[[nodiscard]] inline std::vector<ZoneName> listed_names(const zone::ListingIndex& index, UnixTime now,
                                                        CodeSet codes = CodeSet::all()) {
  zone::ListingIndex::Walk walk(index, now, codes);
  ZoneNames names([&] { return walk.next(); }, codes);
  for (std::size_t i = 0; i < 2 * test_points(codes).size(); ++i) (void)names.next();
  std::vector<ZoneName> all;
  while (const auto name = names.next()) all.push_back(*name);
  return all;
}

}  // namespace blowback::test
