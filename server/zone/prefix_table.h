// A sorted table of what is said of prefixes: listings of either source, and exemptions. One layer of a ListingIndex.
//
// Sorted by prefix, so that a network stands right before all it contains, and what lies within a prefix is one run of
// the table. What covers a prefix is found by one binary search for each prefix length in use, of which real lists have a
// handful. IPv4 and IPv6 stand apart: the octets of IPv4 in mapped form lie in the middle of IPv6 networks such as ::/64.
#pragma once

#include "blowback/listing.h"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace blowback::zone {

struct PrefixEntry {
  /// Together with the prefix it is the key: a prefix has at most one entry per role.
  enum class Role : std::uint8_t { automatic, by_operator, exemption };

  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  Prefix prefix;
  Role role = Role::automatic;
  CodeSet codes;               ///< empty for an exemption
  bool removed = false;        ///< hides the entry of this key in the layer below
  std::int64_t ends = kNever;  ///< in seconds since 1970: not in force from then on

  [[nodiscard]] bool in_force(UnixTime now) const { return !removed && now.time_since_epoch().count() < ends; }
  [[nodiscard]] bool is_exemption() const { return role == Role::exemption; }
};

/// By key alone.
[[nodiscard]] inline bool before(const PrefixEntry& a, const PrefixEntry& b) {
  const auto order = a.prefix <=> b.prefix;
  return order != 0 ? order < 0 : a.role < b.role;
}
[[nodiscard]] inline bool same_key(const PrefixEntry& a, const PrefixEntry& b) {
  return a.role == b.role && a.prefix == b.prefix;
}

class PrefixTable {
 public:
  using Lengths = std::bitset<129>;

  PrefixTable() = default;
  /// Of several entries with one key the last holds. Needn't be sorted.
  explicit PrefixTable(std::span<const PrefixEntry> entries);

  /// `upper` over `lower`. With `settled` removals and what has ended by `now` are dropped: there is no layer below.
  [[nodiscard]] static PrefixTable merged(const PrefixTable& lower, const PrefixTable& upper, bool settled,
                                          UnixTime now);

  /// At most one entry per role.
  [[nodiscard]] std::span<const PrefixEntry> at(const Prefix& prefix) const;
  /// `prefix` itself and all narrower ones in it, in order.
  [[nodiscard]] std::span<const PrefixEntry> within(const Prefix& prefix) const;
  /// Lengths that some entry of that family has.
  [[nodiscard]] const Lengths& lengths(Family family) const { return family_of(family).lengths; }
  [[nodiscard]] std::size_t size() const { return families_[0].entries.size() + families_[1].entries.size(); }
  [[nodiscard]] bool holds_ended(UnixTime now) const;

 private:
  struct OneFamily {
    std::vector<PrefixEntry> entries;
    Lengths lengths;
  };
  [[nodiscard]] const OneFamily& family_of(Family family) const { return families_[static_cast<std::size_t>(family)]; }
  [[nodiscard]] OneFamily& family_of(Family family) { return families_[static_cast<std::size_t>(family)]; }

  std::array<OneFamily, 2> families_;  ///< by Family
};

}  // namespace blowback::zone
