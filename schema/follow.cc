// For followers: the whole list as of a serial, and the changes since then.
#include "store_impl.h"

#include <algorithm>
#include <vector>

namespace blowback::schema {
namespace {

/// Listings that are read in one transaction: some tens of milliseconds.
constexpr std::uint64_t kListingsAtOnce = 20'000;

}  // namespace

Result<std::uint64_t> Store::change_mark() {
  return attempt(impl_->path, [&] { return static_cast<std::uint64_t>(impl_->db.integer("PRAGMA data_version")); });
}

Result<Serial> Store::serial() {
  return attempt(impl_->path, [&] { return impl_->head(); });
}

Result<ZoneState> Store::zone_state(UnixTime now) {
  return attempt(impl_->path, [&] {
    const ReadTransaction one_state(impl_->db);
    return impl_->zone_state(now);
  });
}

Result<Serial> Store::snapshot(UnixTime now, const std::function<void(const Listing&)>& visit_listing,
                               const std::function<void(const Exemption&)>& visit_exemption) {
  return attempt(impl_->path, [&]() -> Serial {
    const ReadTransaction one_state(impl_->db);
    const Serial serial = impl_->zone_state(now).serial();
    Statement rows(impl_->db,
                   std::string("SELECT ") + kListingColumns +
                       " FROM listing WHERE expires_at IS NULL OR expires_at > ? ORDER BY first, length, source");
    rows.bind(seconds(now));
    while (rows.step()) visit_listing(listing_of(rows, 0));
    for (const auto& exemption : impl_->exemptions_in_force(now)) visit_exemption(exemption);
    return serial;
  });
}

// A change in the journal states the new value of a prefix, whatever the old one was. A prefix that has changed after the serial gets the value
// of its last change, whichever version was read before; one that hasn't was read correctly.
Result<Serial> Store::snapshot_in_slices(UnixTime now, const std::function<void(const Listing&)>& visit_listing,
                                         const std::function<void(const Exemption&)>& visit_exemption) {
  return attempt(impl_->path, [&]() -> Serial {
    const Serial serial = impl_->head();
    Statement rows(impl_->db,
                   std::string("SELECT ") + kListingColumns +
                       " FROM listing WHERE (first, length, source) > (?, ?, ?) ORDER BY first, length, source "
                       "LIMIT ?");
    // No transaction is open during the visit, which may take long.
    std::vector<Listing> listings;
    Key done;
    do {
      listings.clear();
      rows.bind(done.first, done.length, done.last,
                std::min<std::uint64_t>(kListingsAtOnce, impl_->slicing.most_steps));
      while (rows.step()) listings.push_back(listing_of(rows, 0));
      for (const auto& listing : listings) {
        if (listing.in_force(now)) visit_listing(listing);
      }
      if (!listings.empty()) {
        const auto& last = listings.back();
        done = {.first = last.prefix.first().octets(),
                .length = last.prefix.length(),
                .last = static_cast<std::int64_t>(last.source)};
      }
    } while (!listings.empty());
    for (const auto& exemption : impl_->exemptions_in_force(now)) visit_exemption(exemption);
    return serial;
  });
}

Result<std::vector<ListingChange>> Store::changes_since(Serial since, std::size_t limit) {
  return attempt(impl_->path, [&]() -> std::vector<ListingChange> {
    std::vector<ListingChange> changes;
    Statement rows(impl_->db, std::string("SELECT ") + kChangeColumns +
                                  " FROM listing_change WHERE serial > ? ORDER BY serial LIMIT ?");
    rows.bind(since, limit);
    while (rows.step()) changes.push_back(change_of(rows));
    return changes;
  });
}

}  // namespace blowback::schema
