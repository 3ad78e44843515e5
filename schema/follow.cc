// The follower's verbs: the whole list as of a serial, and what has changed since.
#include "store_impl.h"

namespace blowback::schema {

Result<std::uint64_t> Store::change_mark() {
  return attempt(impl_->path, [&] { return static_cast<std::uint64_t>(impl_->db.integer("PRAGMA data_version")); });
}

Result<Serial> Store::serial() {
  return attempt(impl_->path, [&] { return impl_->head(); });
}

Result<Serial> Store::snapshot(UnixTime now, const std::function<void(const Listing&)>& visit_listing,
                               const std::function<void(const Exemption&)>& visit_exemption) {
  return attempt(impl_->path, [&]() -> Serial {
    const ReadTransaction one_state(impl_->db);
    const Serial serial = impl_->head();
    Statement rows(impl_->db,
                   std::string("SELECT ") + kListingColumns +
                       " FROM listing WHERE expires_at IS NULL OR expires_at > ? ORDER BY first, length, source");
    rows.bind(seconds(now));
    while (rows.step()) visit_listing(listing_of(rows, 0));
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
