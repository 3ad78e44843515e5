// Prefixes as disjoint ranges in order. Two prefixes are disjoint or one has the other in it, so leaving out the inner ones
// is all it takes.
#include "access.h"

#include <algorithm>

namespace blowback::answer {

PrefixSet::PrefixSet(std::span<const Prefix> prefixes) {
  std::vector<Prefix> sorted(prefixes.begin(), prefixes.end());
  // A network comes right before all it contains.
  std::ranges::sort(sorted);
  for (const Prefix& prefix : sorted) {
    Ranges& ranges = prefix.family() == Family::ipv4 ? v4_ : v6_;
    if (ranges.empty() || ranges.back().last < prefix.first()) ranges.push_back({prefix.first(), prefix.last()});
  }
}

bool PrefixSet::contains(const IpAddress& address) const {
  const Ranges& ranges = address.family() == Family::ipv4 ? v4_ : v6_;
  const auto after = std::ranges::upper_bound(ranges, address, {}, &Range::first);
  return after != ranges.begin() && address <= std::prev(after)->last;
}

}  // namespace blowback::answer
