// For followers: the whole list as of a serial, and the changes since then.
#include "store_impl.h"
#include "totals.h"

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

// Retention keeps, of what is older, the last entry on what is listed, which may not be the last one before this entry. So only younger ones count. If there
// is none, nothing was said, or retention has removed it.
Result<std::optional<ListingChange>> Store::change_back(const ListingChange& entry) {
  return attempt(impl_->path, [&]() -> std::optional<ListingChange> {
    using enum ListingChange::Action;
    const bool is_exemption = entry.action == exempted || entry.action == exemption_ended;
    if (!impl_->change_before) {
      impl_->change_before = std::make_unique<Statement>(
          impl_->db, std::string("SELECT ") + kChangeColumns +
                         " FROM listing_change WHERE first = ? AND length = ? AND serial < ? AND source = ? AND "
                         "(action >= 4) = ? ORDER BY serial DESC LIMIT 1");
    }
    auto before = impl_->change_before
                      ->bind(entry.prefix.first().octets(), entry.prefix.length(), entry.serial,
                             static_cast<int>(entry.source), static_cast<int>(is_exemption))
                      .first([](const Statement& row) { return change_of(row); });
    // Read last: what was removed until the look above is below it.
    const auto complete_from = static_cast<Serial>(total(impl_->db, "journal_from").value_or(0));
    if (before && before->serial >= complete_from) {
      before->serial = entry.serial;
      return before;
    }
    if (complete_from == 0) {
      auto nothing = entry;
      nothing.action = is_exemption ? exemption_ended : delisted;
      return nothing;
    }
    // An operator's decision ends only what is listed, and says what that was.
    if (entry.action != delisted) return std::nullopt;
    auto listing = entry;
    listing.action = listed;
    return listing;
  });
}

}  // namespace blowback::schema
