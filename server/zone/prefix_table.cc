// Sorting, searching and merging; see prefix_table.h for why it is sorted.
#include "prefix_table.h"

#include <algorithm>
#include <utility>

namespace blowback::zone {
namespace {

void sort_and_keep_last(std::vector<PrefixEntry>& entries) {
  if (!std::ranges::is_sorted(entries, before)) std::ranges::stable_sort(entries, before);
  // Of a run with one key the last came last: it takes the place of those before it.
  std::size_t kept = 0;
  for (const auto& entry : entries) {
    if (kept > 0 && same_key(entries[kept - 1], entry)) --kept;
    entries[kept++] = entry;
  }
  entries.resize(kept);
}

}  // namespace

PrefixTable::PrefixTable(std::span<const PrefixEntry> entries) {
  for (const auto& entry : entries) family_of(entry.prefix.family()).entries.push_back(entry);
  for (auto& family : families_) {
    sort_and_keep_last(family.entries);
    for (const auto& entry : family.entries) family.lengths.set(static_cast<std::size_t>(entry.prefix.length()));
  }
}

PrefixTable PrefixTable::merged(const PrefixTable& lower, const PrefixTable& upper, bool settled, UnixTime now) {
  PrefixTable result;
  for (std::size_t i = 0; i < result.families_.size(); ++i) {
    const auto& below = lower.families_[i].entries;
    const auto& above = upper.families_[i].entries;
    auto& family = result.families_[i];
    family.entries.reserve(below.size() + above.size());
    const auto keep = [&](const PrefixEntry& entry) {
      if (settled && !entry.in_force(now)) return;
      family.entries.push_back(entry);
      family.lengths.set(static_cast<std::size_t>(entry.prefix.length()));
    };
    auto old = below.begin();
    for (const auto& entry : above) {
      for (; old != below.end() && before(*old, entry); ++old) keep(*old);
      if (old != below.end() && same_key(*old, entry)) ++old;
      keep(entry);
    }
    for (; old != below.end(); ++old) keep(*old);
  }
  return result;
}

std::span<const PrefixEntry> PrefixTable::at(const Prefix& prefix) const {
  const auto& entries = family_of(prefix.family()).entries;
  const auto first = std::ranges::lower_bound(entries, prefix, {}, &PrefixEntry::prefix);
  auto last = first;
  while (last != entries.end() && last->prefix == prefix) ++last;
  return {first, last};
}

std::span<const PrefixEntry> PrefixTable::within(const Prefix& prefix) const {
  // From the prefix on, and up to its last address: networks that begin within it can only be narrower than it.
  const auto& entries = family_of(prefix.family()).entries;
  const auto first = std::ranges::lower_bound(entries, prefix, {}, &PrefixEntry::prefix);
  const auto end = std::upper_bound(
      first, entries.end(), prefix.last().octets(),
      [](const IpAddress::Octets& key, const PrefixEntry& entry) { return key < entry.prefix.first().octets(); });
  return {first, end};
}

bool PrefixTable::holds_ended(UnixTime now) const {
  return std::ranges::any_of(families_, [&](const OneFamily& family) {
    return std::ranges::any_of(family.entries,
                               [&](const PrefixEntry& entry) { return !entry.removed && !entry.in_force(now); });
  });
}

}  // namespace blowback::zone
