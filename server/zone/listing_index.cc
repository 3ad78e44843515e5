// Two layers of a sorted table asked as one.
//
// Exemptions are holes that may be narrower or wider than a listing, and several narrow ones may add up to a wide one. So
// "is all of this network exempt" is a walk: find the widest exemption around the network's first address, go on behind
// its end, until there is none (not all) or the network's end is passed (all). Mostly it takes one step.
#include "zone/listing_index.h"

#include "prefix_table.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>
#include <vector>

namespace blowback::zone {
namespace {

using Role = PrefixEntry::Role;

/// The upper layer may grow to this, or to an eighth of the lower, before they are merged: below it copying the upper
/// layer for every batch of changes costs less than a millisecond, and a list of a million is merged rarely.
constexpr std::size_t kSmallLayer = 4096;

[[nodiscard]] std::int64_t end_of(const std::optional<UnixTime>& expires_at) {
  return expires_at ? expires_at->time_since_epoch().count() : PrefixEntry::kNever;
}

[[nodiscard]] Role role_of(Source source) { return source == Source::automatic ? Role::automatic : Role::by_operator; }

[[nodiscard]] PrefixEntry entry_of(const ListingChange& change) {
  PrefixEntry entry{.prefix = change.prefix,
                    .role = role_of(change.source),
                    .codes = change.codes,
                    .removed = false,
                    .ends = end_of(change.expires_at)};
  switch (change.action) {
    case ListingChange::Action::listed:
    case ListingChange::Action::prolonged:
      break;
    case ListingChange::Action::delisted:
    case ListingChange::Action::expired:
      entry.removed = true;
      break;
    case ListingChange::Action::exempted:
      entry.role = Role::exemption;
      break;
    case ListingChange::Action::exemption_ended:
      entry.role = Role::exemption;
      entry.removed = true;
      break;
  }
  return entry;
}

/// The address after `octets`; absent after the last.
[[nodiscard]] std::optional<IpAddress::Octets> next(IpAddress::Octets octets) {
  for (std::size_t i = octets.size(); i-- > 0;) {
    if (++octets[i] != 0) return octets;
  }
  return std::nullopt;
}

/// Both layers as one table.
class Layers {
 public:
  Layers(const PrefixTable& base, const PrefixTable& changes, UnixTime now)
      : base_(base), changes_(changes), now_(now) {}

  /// Entries in force at `prefix` and at every network around it, widest first, until `visit` returns false.
  template <typename Visit>
  void visit_covering(const Prefix& prefix, Visit visit) const {
    const auto lengths = base_.lengths(prefix.family()) | changes_.lengths(prefix.family());
    for (int length = 0; length <= prefix.length(); ++length) {
      if (!lengths[static_cast<std::size_t>(length)]) continue;
      if (!visit_at(Prefix::covering(prefix.first(), length), visit)) return;
    }
  }

  /// Whether `wanted` holds for some entry in force at `prefix` or within it.
  template <typename Wanted>
  [[nodiscard]] bool any_within(const Prefix& prefix, Wanted wanted) const {
    const auto above = changes_.within(prefix);
    if (std::any_of(above.begin(), above.end(),
                    [&](const PrefixEntry& entry) { return entry.in_force(now_) && wanted(entry); })) {
      return true;
    }
    auto hidden = above.begin();
    for (const auto& entry : base_.within(prefix)) {
      while (hidden != above.end() && before(*hidden, entry)) ++hidden;
      if (hidden != above.end() && same_key(*hidden, entry)) continue;
      if (entry.in_force(now_) && wanted(entry)) return true;
    }
    return false;
  }

  /// Whether exemptions in force, alone or together, cover every address of `prefix`.
  [[nodiscard]] bool wholly_exempt(const Prefix& prefix) const {
    const auto end = prefix.last().octets();
    for (std::optional<IpAddress::Octets> at = prefix.first().octets(); at;) {
      const auto address = IpAddress::from_octets(*at);
      std::optional<IpAddress::Octets> covered_to;
      if (address.family() != prefix.family()) {
        // The walk through an IPv6 network has come to ::ffff:0:0/96, whose addresses are IPv4: none of its own.
        covered_to = Prefix::covering(address, 0).last().octets();
      } else {
        visit_covering(Prefix::of(address), [&](const PrefixEntry& entry) {
          if (!entry.is_exemption()) return true;
          covered_to = entry.prefix.last().octets();
          return false;
        });
      }
      if (!covered_to) return false;
      if (*covered_to >= end) return true;
      at = next(*covered_to);
    }
    return true;
  }

 private:
  template <typename Visit>
  [[nodiscard]] bool visit_at(const Prefix& prefix, Visit& visit) const {
    const auto above = changes_.at(prefix);
    for (const auto& entry : above) {
      if (entry.in_force(now_) && !visit(entry)) return false;
    }
    for (const auto& entry : base_.at(prefix)) {
      const bool hidden =
          std::any_of(above.begin(), above.end(), [&](const PrefixEntry& other) { return same_key(other, entry); });
      if (!hidden && entry.in_force(now_) && !visit(entry)) return false;
    }
    return true;
  }

  const PrefixTable& base_;
  const PrefixTable& changes_;
  UnixTime now_;
};

}  // namespace

ListingIndex::ListingIndex()
    : base_(std::make_shared<const PrefixTable>()), changes_(std::make_shared<const PrefixTable>()) {}

ListingIndex ListingIndex::of(Serial serial, std::span<const Listing> listings, std::span<const Exemption> exemptions,
                              UnixTime now) {
  std::vector<PrefixEntry> entries;
  entries.reserve(listings.size() + exemptions.size());
  for (const auto& listing : listings) {
    if (!listing.in_force(now)) continue;
    entries.push_back({.prefix = listing.prefix,
                       .role = role_of(listing.source),
                       .codes = listing.codes,
                       .removed = false,
                       .ends = end_of(listing.expires_at)});
  }
  const auto end_of_listings = entries.size();
  for (const auto& exemption : exemptions) {
    if (!exemption.in_force(now)) continue;
    entries.push_back({.prefix = exemption.prefix,
                       .role = Role::exemption,
                       .codes = {},
                       .removed = false,
                       .ends = end_of(exemption.expires_at)});
  }
  ListingIndex index;
  index.serial_ = serial;
  // The store hands out both sorted: two sorted halves are merged, not sorted.
  const auto middle = entries.begin() + static_cast<std::ptrdiff_t>(end_of_listings);
  if (std::ranges::is_sorted(entries.begin(), middle, before) &&
      std::ranges::is_sorted(middle, entries.end(), before)) {
    std::ranges::inplace_merge(entries, middle, before);
  }
  index.base_ = std::make_shared<const PrefixTable>(entries);
  return index;
}

ListingIndex ListingIndex::with(std::span<const ListingChange> changes, UnixTime now) const {
  if (changes.empty()) return *this;
  assert(changes.front().serial == serial_ + 1);
  std::vector<PrefixEntry> entries;
  entries.reserve(changes.size());
  for (const auto& change : changes) entries.push_back(entry_of(change));

  ListingIndex index;
  index.serial_ = changes.back().serial;
  auto upper = PrefixTable::merged(*changes_, PrefixTable(entries), false, now);
  if (upper.size() > std::max(kSmallLayer, base_->size() / 8)) {
    index.base_ = std::make_shared<const PrefixTable>(PrefixTable::merged(*base_, upper, true, now));
  } else {
    index.base_ = base_;
    index.changes_ = std::make_shared<const PrefixTable>(std::move(upper));
  }
  return index;
}

ListingIndex ListingIndex::without_ended(UnixTime now) const {
  if (!base_->holds_ended(now) && !changes_->holds_ended(now)) return *this;
  ListingIndex index;
  index.serial_ = serial_;
  index.base_ = std::make_shared<const PrefixTable>(PrefixTable::merged(*base_, *changes_, true, now));
  return index;
}

CodeSet ListingIndex::codes_at(const IpAddress& address, UnixTime now) const {
  CodeSet codes;
  Layers(*base_, *changes_, now).visit_covering(Prefix::of(address), [&](const PrefixEntry& entry) {
    if (entry.is_exemption()) {
      codes = {};
      return false;
    }
    codes |= entry.codes;
    return true;
  });
  return codes;
}

bool ListingIndex::anything_within(const Prefix& prefix, UnixTime now) const {
  const Layers layers(*base_, *changes_, now);
  bool listed = false;
  bool exempt = false;
  layers.visit_covering(prefix, [&](const PrefixEntry& entry) {
    (entry.is_exemption() ? exempt : listed) = true;
    return !exempt;
  });
  if (exempt) return false;
  // A listing around it lists all of it, but for narrower exemptions.
  if (listed) return !layers.wholly_exempt(prefix);
  return layers.any_within(
      prefix, [&](const PrefixEntry& entry) { return !entry.is_exemption() && !layers.wholly_exempt(entry.prefix); });
}

std::size_t ListingIndex::size() const { return base_->size() + changes_->size(); }

}  // namespace blowback::zone
