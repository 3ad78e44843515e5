// Why a region is enough. Whether a network that ends with a label has a name, and with which codes, depends on what is said of it and of wider
// networks (its codes), of narrower ones in it (whether it is divided), and whether a wider one around it has a wildcard. So a change of what is said
// of P concerns
//   - what is in P, by its codes;
//   - a wildcard around P, which P divides, or divided until now; and all that is in its network, which gets names of its own, or loses them.
// The widest wildcard around P in either version contains all others. Where there is none, networks around P have no name in either version.
#include "transfer/zone_difference.h"

#include "answer/wildcard.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace blowback::transfer {
namespace {

/// Where names may differ because of what is said of `changed`; absent: nowhere.
[[nodiscard]] std::optional<Prefix> region_of(const Prefix& changed, const ZoneVersion& before,
                                              const ZoneVersion& after) {
  auto region = changed;
  for (const auto* const version : {&before, &after}) {
    const auto wildcard = answer::wildcard_around(changed, version->index, version->at, version->codes);
    if (wildcard && wildcard->network.length() < region.length()) region = wildcard->network;
  }
  if (region != changed) return region;
  // Names in it depend on it by what covers it. That is the same if only an end moved, or if an exemption is wider.
  const bool was_exempt = before.index.is_exempt(changed, before.at);
  if (was_exempt != after.index.is_exempt(changed, after.at)) return region;
  if (was_exempt) return std::nullopt;
  const auto codes_of = [&](const ZoneVersion& version) {
    return version.index.cover_of(changed, version.at, version.codes).codes;
  };
  const bool same = codes_of(before) == codes_of(after);
  return same ? std::nullopt : std::optional(region);
}

/// In the order of `walked_before`; none contains another.
[[nodiscard]] std::vector<Prefix> regions_of(std::vector<Prefix> changed, const ZoneVersion& before,
                                             const ZoneVersion& after) {
  std::ranges::sort(changed, walked_before);
  std::vector<Prefix> regions;
  for (const auto& prefix : changed) {
    // A region that contains it contains its own: a wildcard around it that is wider would be one around the other network, too. For the same reason no
    // region contains an earlier one, and they come in order.
    if (!regions.empty() && regions.back().contains(prefix)) continue;
    const auto region = region_of(prefix, before, after);
    if (!region) continue;
    assert(regions.empty() || (walked_before(regions.back(), *region) && !regions.back().contains(*region)));
    regions.push_back(*region);
  }
  return regions;
}

}  // namespace

ZoneDifference::Names::Names(const ZoneVersion& version, const Prefix& region)
    : walk(version.index, version.at, region, version.codes),
      names([this] { return walk.next(); }, region),
      next(names.next()) {}

ZoneDifference::ZoneDifference(ZoneVersion before, ZoneVersion after, std::vector<Prefix> changed)
    : before_(std::move(before)), after_(std::move(after)), regions_(regions_of(std::move(changed), before_, after_)) {}

void ZoneDifference::restart() {
  region_.reset();
  place_ = 0;
  read_ = 0;
}

void ZoneDifference::advance(Names& names) {
  ++read_;
  names.next = names.names.next();
}

std::optional<NameDifference> ZoneDifference::find(std::uint64_t most) {
  while (read_ <= most) {
    if (!region_) {
      if (place_ == regions_.size()) return std::nullopt;
      region_.emplace(before_, after_, regions_[place_++]);
    }
    const auto old_name = region_->before.next;
    const auto new_name = region_->after.next;
    if (!old_name && !new_name) {
      region_.reset();
      continue;
    }
    NameDifference difference;
    if (old_name && (!new_name || !walked_before(new_name->subject, old_name->subject))) {
      difference.subject = old_name->subject;
      difference.before = old_name->codes;
      advance(region_->before);
    }
    if (new_name && (!old_name || !walked_before(old_name->subject, new_name->subject))) {
      difference.subject = new_name->subject;
      difference.after = new_name->codes;
      advance(region_->after);
    }
    if (difference.before != difference.after) return difference;
  }
  return std::nullopt;
}

std::optional<NameDifference> ZoneDifference::next() { return find(std::numeric_limits<std::uint64_t>::max()); }

bool ZoneDifference::reads_more_than(std::uint64_t most) {
  restart();
  while (find(most)) {
  }
  const bool more = read_ > most;
  restart();
  return more;
}

}  // namespace blowback::transfer
