// Which names differ between two versions of the zone, for IXFR (RFC 1995): pure, and one name at a time.
//
// It costs what is near the changes, not the size of the list. A change of what is said of a network concerns the names in it; and, if the network is
// part of a wildcard in either version, those in the widest such wildcard, which is divided into names, or joined from them. Outside of these regions
// both versions have the same names with the same codes. Records at the apex and of test points never differ.
#pragma once

#include "blowback/kind.h"
#include "blowback/prefix.h"
#include "blowback/unix_time.h"
#include "blowback/zone_names.h"
#include "zone/listing_index.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace blowback::transfer {

/// A name that isn't the same in both versions. Its TXT record depends on its subject only, so it differs only if one version doesn't have the name.
struct NameDifference {
  Prefix subject;  ///< an address, or the network of a wildcard
  CodeSet before;  ///< empty: the first version doesn't have the name
  CodeSet after;   ///< empty: the second version doesn't have it. Differs from `before`

  /// The codes whose A records the second version doesn't have any more, or has in addition.
  [[nodiscard]] CodeSet removed() const { return before - after; }
  [[nodiscard]] CodeSet added() const { return after - before; }
  [[nodiscard]] bool is_txt_removed() const { return after.empty(); }
  [[nodiscard]] bool is_txt_added() const { return before.empty(); }

  /// With the codes in question, for what writes owners.
  [[nodiscard]] ZoneName with(CodeSet codes) const { return {.subject = subject, .codes = codes}; }

  friend bool operator==(const NameDifference&, const NameDifference&) = default;
};

/// What `index` says at `at` with the zone's codes. Cheap to copy: indexes are shared.
struct ZoneVersion {
  zone::ListingIndex index;
  UnixTime at;
  CodeSet codes = CodeSet::all();
};

/// Its memory is some octets for each changed network, and some kilobytes. One thread at a time.
class ZoneDifference {
 public:
  /// `changed`: all networks of which the versions say something different, of listings and exemptions alike: added, changed, removed, or ended by
  /// `after.at` but not by `before.at`; of other codes than the zone's, too. In any order; there may be duplicates, and networks that didn't change. Costs some look-ups for each.
  /// Requires that both versions have the same codes.
  ZoneDifference(ZoneVersion before, ZoneVersion after, std::vector<Prefix> changed);

  ZoneDifference(const ZoneDifference&) = delete;
  ZoneDifference& operator=(const ZoneDifference&) = delete;

  /// In the order of `walked_before`, each name once. Absent: that was all. IXFR has what is removed before what is added (RFC 1995 §4), which takes
  /// two passes.
  [[nodiscard]] std::optional<NameDifference> next();
  /// To the first name again.
  void restart();

  /// Whether one pass reads more than `most` names, those of the two versions counted separately. There are no more differences than that. Costs
  /// reading up to `most` names, some 0.1 µs each, and starts again from the first name. Then one had better send the whole zone: a single change of a
  /// wide network may concern all its names.
  [[nodiscard]] bool reads_more_than(std::uint64_t most);

 private:
  /// The names of one version in one region.
  struct Names {
    Names(const ZoneVersion& version, const Prefix& region);
    Names(const Names&) = delete;
    Names& operator=(const Names&) = delete;

    zone::ListingIndex::Walk walk;
    ZoneNames names;
    std::optional<ZoneName> next;
  };
  struct Region {
    Region(const ZoneVersion& old_version, const ZoneVersion& new_version, const Prefix& region)
        : before(old_version, region), after(new_version, region) {}

    Names before;
    Names after;
  };

  /// The next one; absent also if more than `most` names were read since the start.
  [[nodiscard]] std::optional<NameDifference> find(std::uint64_t most);
  void advance(Names& names);

  ZoneVersion before_;
  ZoneVersion after_;
  std::vector<Prefix> regions_;   ///< in the order of `walked_before`; none contains another
  std::size_t place_ = 0;         ///< of the next region
  std::optional<Region> region_;  ///< the one before `place_`, if there is one
  std::uint64_t read_ = 0;        ///< names since the start
};

}  // namespace blowback::transfer
