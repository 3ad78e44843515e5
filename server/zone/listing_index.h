// What is listed, as of one serial of the journal: an immutable value that any number of threads may ask.
//
// It answers two questions, whether one address is listed (and by which codes), and whether anything at all is listed
// within a network, which decides between "no such name" and "empty non-terminal" (RFC 8020). Exemptions and expiry are in
// both answers. All questions may be asked with chosen codes: then the answers are those for the list in which each listing has no others, and in which
// listings without any of them are missing (exemptions stay). So several zones share one index. Following the database is follower.h; what a name in the zone stands for is answer/owner_name.h.
#pragma once

#include "blowback/listing.h"
#include "blowback/zone_names.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace blowback::zone {

struct Layers;

/// How many entries say what. A listing of several codes counts under each.
struct Tally {
  std::array<std::array<std::uint64_t, kAllCodes.size()>, 2> listings{};  ///< by Family, then by Code
  std::array<std::uint64_t, 2> exemptions{};                              ///< by Family
  std::array<std::uint64_t, 2> wide_listings{};  ///< by Family: those shorter than `shortest_narrow` (blowback/reach.h)
  /// By Family: addresses in listed networks, by their number and size alone. What several listings cover counts for each,
  /// and exemptions aren't taken off: the true number would cost a look from every entry into every wider layer.
  std::array<double, 2> addresses{};
};

class ListingIndex {
 public:
  /// Takes in a whole list, entry by entry.
  class Builder;
  /// Visits all that it says.
  class Walk;

  /// Nothing is listed, serial 0.
  ListingIndex();

  /// The whole list as of `serial`. What has ended by `now` is left out.
  [[nodiscard]] static ListingIndex of(Serial serial, std::span<const Listing> listings,
                                       std::span<const Exemption> exemptions, UnixTime now);

  /// This index with `changes` made to it, in their order; its serial is the last change's. Costs what is near the changes,
  /// not the size of the list: all else is shared with this one. Requires that the changes follow directly on `serial()`.
  [[nodiscard]] ListingIndex with(std::span<const ListingChange> changes) const;

  /// The list as it was at `serial`, when each of `changes` says what it was before one of the changes since then, the latest first. Costs the same.
  [[nodiscard]] ListingIndex back_to(Serial serial, std::span<const ListingChange> changes) const;

  /// The same list without what has ended by `now`. Answers don't depend on it: it keeps `anything_within` quick where
  /// nobody sweeps the database. Returns a copy at the cost of a pointer where nothing has ended.
  [[nodiscard]] ListingIndex without_ended(UnixTime now) const;

  struct Ended {
    std::vector<Prefix> prefixes;  ///< one for each entry
    std::optional<UnixTime> next;  ///< when the next entry ends after that; absent: none does
  };
  /// What ends after `after` and not after `until`. Looks at blocks with such entries, and at each page.
  [[nodiscard]] Ended ended(UnixTime after, UnixTime until) const;

  /// Codes of all listings in force that cover `address`; empty where there are none, or an exemption in force covers it.
  [[nodiscard]] CodeSet codes_at(const IpAddress& address, UnixTime now, CodeSet codes = CodeSet::all()) const {
    return cover_of(address, now, codes).codes;
  }

  struct Cover {
    CodeSet codes;
    int widest = 0;  ///< the prefix length of the shortest of these listings; undefined if `codes` is empty
  };
  /// The same, at the same cost, with one more detail.
  [[nodiscard]] Cover cover_of(const IpAddress& address, UnixTime now, CodeSet codes = CodeSet::all()) const;
  /// The same for a network: of the listings that cover all of it, unless an exemption does.
  [[nodiscard]] Cover cover_of(const Prefix& network, UnixTime now, CodeSet codes = CodeSet::all()) const;

  /// Whether one exemption in force covers all of `network`.
  [[nodiscard]] bool is_exempt(const Prefix& network, UnixTime now) const;

  /// Whether an exemption or a narrower listing in force, with whichever of `codes`, lies in `network`. If not, all its addresses have its cover. The
  /// IPv4-mapped addresses divide an IPv6 network. Costs a look into each layer of longer prefixes.
  [[nodiscard]] bool is_divided(const Prefix& network, UnixTime now, CodeSet codes = CodeSet::all()) const;

  /// Has the processor fetch what `codes_at` will read for these IPv4 addresses (in host order), all at once. A hint: answers
  /// don't depend on it. Costs about as much as asking, and saves most of the waiting.
  void prefetch(std::span<const std::uint32_t> addresses) const;

  /// Whether at least one address in `prefix` is listed and not exempt: exactly when `codes_at` is not empty for some
  /// address in it.
  [[nodiscard]] bool anything_within(const Prefix& prefix, UnixTime now, CodeSet codes = CodeSet::all()) const;

  [[nodiscard]] Serial serial() const { return serial_; }
  /// Listings and exemptions held, ended ones not yet dropped included.
  [[nodiscard]] std::size_t size() const;
  /// Likewise by what they say. Looks at every entry: some 10 ms per million.
  [[nodiscard]] Tally tally() const;
  /// Octets of memory that it takes, shared or not, without what the allocator adds.
  [[nodiscard]] std::size_t octets() const;

 private:
  [[nodiscard]] ListingIndex changed(std::span<const ListingChange> changes, Serial serial) const;

  Serial serial_ = 0;
  std::shared_ptr<const Layers> layers_;  ///< never null
};

class ListingIndex::Builder {
 public:
  /// What has ended by `now` is left out.
  explicit Builder(UnixTime now);
  ~Builder();
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  /// In any order; ascending by prefix is fastest. Of several of one prefix and source the last holds.
  void add(const Listing& listing);
  void add(const Exemption& exemption);
  /// The list as of `serial`. Nothing can be added afterwards.
  [[nodiscard]] ListingIndex finish(Serial serial);

 private:
  UnixTime now_;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// In the order of `walked_before`. It shares the index, and reads some hundred entries of each layer at a time. One thread at a time.
class ListingIndex::Walk {
 public:
  /// What is in force at `now`.
  Walk(const ListingIndex& index, UnixTime now, CodeSet codes = CodeSet::all());
  /// Only what is said of `region` and of what is in it: first the codes of all listings that cover it, as a piece of `region`'s own, then what is
  /// narrower. Nothing if an exemption covers it. Costs a look into each layer, not the size of the list.
  Walk(const ListingIndex& index, UnixTime now, const Prefix& region, CodeSet codes = CodeSet::all());
  Walk(Walk&&) noexcept;
  Walk& operator=(Walk&&) noexcept;
  ~Walk();

  /// A listing or, without codes, an exemption. Absent: that was all.
  [[nodiscard]] std::optional<Piece> next();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::zone
