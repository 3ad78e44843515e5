// Two prefixes are disjoint, or one contains the other: without the inner ones, the prefixes are disjoint ranges.
#include "access.h"

#include <algorithm>

namespace blowback::answer {

PrefixSet::PrefixSet(std::span<const Prefix> prefixes) {
  std::vector<Prefix> sorted(prefixes.begin(), prefixes.end());
  // A network precedes all networks that it contains.
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
