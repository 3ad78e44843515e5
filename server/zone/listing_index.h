// What is listed, as of one serial of the journal: an immutable value that any number of threads may ask.
//
// It answers two questions, whether one address is listed (and by which codes), and whether anything at all is listed
// within a network, which decides between "no such name" and "empty non-terminal" (RFC 8020). Exemptions and expiry are in
// both answers. Following the database is follower.h; what a name in the zone stands for is answer/owner_name.h.
#pragma once

#include "blowback/listing.h"

#include <cstddef>
#include <memory>
#include <span>

namespace blowback::zone {

class PrefixTable;

class ListingIndex {
 public:
  /// Nothing is listed, serial 0.
  ListingIndex();

  /// The whole list as of `serial`. What has ended by `now` is left out. Sorted input (by prefix) is fastest: a million
  /// listings take some tens of milliseconds.
  [[nodiscard]] static ListingIndex of(Serial serial, std::span<const Listing> listings,
                                       std::span<const Exemption> exemptions, UnixTime now);

  /// This index with `changes` made to it, in their order; its serial is the last change's. Costs what is new since the
  /// last merge, not the size of the list. Requires that the changes follow directly on `serial()`.
  [[nodiscard]] ListingIndex with(std::span<const ListingChange> changes, UnixTime now) const;

  /// The same list without what has ended by `now`. Answers don't depend on it: it keeps `anything_within` quick where
  /// nobody sweeps the database. Returns a copy at the cost of two pointers where nothing has ended.
  [[nodiscard]] ListingIndex without_ended(UnixTime now) const;

  /// Codes of all listings in force that cover `address`; empty where there are none, or an exemption in force covers it.
  [[nodiscard]] CodeSet codes_at(const IpAddress& address, UnixTime now) const;

  /// Whether at least one address in `prefix` is listed and not exempt: exactly when `codes_at` is not empty for some
  /// address in it.
  [[nodiscard]] bool anything_within(const Prefix& prefix, UnixTime now) const;

  [[nodiscard]] Serial serial() const { return serial_; }
  /// Listings and exemptions held, ended ones not yet dropped included. At most this many: what was replaced since the
  /// last merge counts twice.
  [[nodiscard]] std::size_t size() const;

 private:
  Serial serial_ = 0;
  // Two layers, both immutable and shared between an index and its successors: the list as it was at the last merge, and
  // what has changed since, whose entries hide those of the same key below, also by a removal. The upper layer is
  // copied for every batch of changes and merged down once it has grown to a part of the lower.
  std::shared_ptr<const PrefixTable> base_;
  std::shared_ptr<const PrefixTable> changes_;
};

}  // namespace blowback::zone
