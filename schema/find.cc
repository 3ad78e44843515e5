// Queries with many results: listings in slices, the audit, the changes of an address. Nothing here writes.
#include "store_impl.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace blowback::schema {
namespace {

/// Listings that are read in one transaction: few enough for some megabytes of memory, and so that a slow terminal doesn't delay
/// checkpoints; enough to make the cost of a slice negligible.
constexpr std::size_t kSlice = 10'000;

/// The next slice begins after this row.
struct Place {
  IpAddress::Octets first{};
  int length = -1;
  int source = 0;
};

/// Up to `most` listings after `at`, which is advanced. `read_on`: there may be more.
[[nodiscard]] std::vector<Listing> slice_of(Connection& db, const ListingFilter& filter, UnixTime now, std::size_t most,
                                            Place& at, bool& read_on) {
  KeyRange range{{}, {}};
  range.last.fill(0xff);
  if (filter.within) range = keys_of(*filter.within);
  if (at.length < 0) at.first = range.first;
  std::vector<Listing> found;
  Statement rows(db, std::string("SELECT ") + kListingColumns +
                         ", coalesce((SELECT reason FROM audit WHERE id = audit_id), '') FROM listing "
                         "WHERE (first, length, source) > (?1, ?2, ?3) AND first <= ?4 "
                         "AND (expires_at IS NULL OR expires_at > ?5) AND (?6 < 0 OR source = ?6) "
                         "AND (?7 = 0 OR codes & ?7 <> 0) AND (?8 IS NULL OR listed_at >= ?8) "
                         "AND (?9 = '' OR audit_id IN (SELECT id FROM audit WHERE who = ?9)) "
                         "ORDER BY first, length, source LIMIT ?10");
  const int source = filter.source ? static_cast<int>(*filter.source) : -1;
  const auto limit = std::min(most, kSlice);
  rows.bind(at.first, at.length, at.source, range.last, seconds(now), source, filter.codes.bits(),
            seconds(filter.since), filter.who, limit);
  std::size_t read = 0;
  while (rows.step()) {
    ++read;
    Listing listing = listing_of(rows, 0);
    at = {.first = listing.prefix.first().octets(),
          .length = listing.prefix.length(),
          .source = static_cast<int>(listing.source)};
    if (filter.within && !filter.within->contains(listing.prefix)) continue;
    listing.reason = rows.text(6);
    found.push_back(std::move(listing));
  }
  read_on = read == limit;
  return found;
}

/// An entry of the journal, and its decision.
struct Entry {
  ListingChange change;
  std::optional<std::int64_t> audit;
};

/// Selects those of one prefix's entries, newest first, whose listings were on the list at some time. A listing that had already ended when it
/// was recorded, of old mail, is in the journal in case the clock is wrong (mend_times.cc); it never was on the list.
class OnTheList {
 public:
  /// False: that is enough.
  bool add(Entry entry, std::size_t most) {
    const auto& change = entry.change;
    using enum ListingChange::Action;
    if (change.source == Source::automatic && (change.action == listed || change.action == prolonged) &&
        change.expires_at && *change.expires_at <= change.at) {
      passed_over_ = true;
      return true;
    }
    // The end of listings that were left out belongs to none; that of a listing that was prolonged too late is its own.
    const bool has_begun =
        change.source == Source::automatic && (change.action == listed || change.action == prolonged);
    if (change.source == Source::automatic) set_changes(has_begun || !passed_over_);
    if (change.source == Source::automatic && change.action == expired) {
      swept_ = std::move(entry);
    } else {
      found_.push_back(std::move(entry));
    }
    return found_.size() < most;
  }

  [[nodiscard]] std::vector<Entry> all() && {
    set_changes(!passed_over_);
    return std::move(found_);
  }

 private:
  void set_changes(bool ended) {
    if (swept_ && ended) found_.push_back(std::move(*swept_));
    swept_.reset();
    passed_over_ = false;
  }

  std::vector<Entry> found_;
  std::optional<Entry> swept_;  ///< the listing that it ended isn't known yet
  bool passed_over_ = false;    ///< since `swept_`
};

}  // namespace

Result<void> Store::for_each_listing(const ListingFilter& filter, UnixTime now,
                                     const std::function<void(const Listing&)>& visit) {
  Place at;
  std::size_t left = filter.most;
  for (bool read_on = left > 0; read_on && left > 0;) {
    auto slice = attempt(impl_->path, [&] { return slice_of(impl_->db, filter, now, left, at, read_on); });
    if (!slice) return std::unexpected(std::move(slice).error());
    for (const auto& listing : *slice) visit(listing);
    left -= slice->size();
  }
  return {};
}

Result<std::vector<AuditEntry>> Store::audit(const AuditFilter& filter) {
  return attempt(impl_->path, [&]() -> std::vector<AuditEntry> {
    std::vector<AuditEntry> entries;
    Statement rows(impl_->db, std::string("SELECT ") + kAuditColumns +
                                  " FROM audit WHERE (?1 = '' OR who = ?1) AND (?2 = '' OR action = ?2) "
                                  "AND (?3 = '' OR instr(subject, ?3) > 0) AND (?4 IS NULL OR at >= ?4) "
                                  "AND (?5 IS NULL OR id = ?5) ORDER BY id DESC LIMIT ?6");
    const auto most = std::min<std::uint64_t>(filter.most, std::numeric_limits<std::int64_t>::max());
    rows.bind(filter.who, filter.action, filter.subject, seconds(filter.since), filter.id, most);
    while (rows.step()) entries.push_back(audit_of(rows));
    return entries;
  });
}

Result<std::vector<PastChange>> Store::changes_around(const IpAddress& address, std::size_t most) {
  return attempt(impl_->path, [&]() -> std::vector<PastChange> {
    const ReadTransaction one_state(impl_->db);
    std::vector<Entry> found;
    Statement changes(impl_->db, std::string("SELECT ") + kChangeColumns +
                                     ", audit_id FROM listing_change WHERE first = ? AND length = ? "
                                     "ORDER BY serial DESC");
    for (int length = 0; length <= address.bits(); ++length) {
      const Prefix prefix = Prefix::covering(address, length);
      changes.bind(prefix.first().octets(), length);
      OnTheList on_the_list;
      for (bool more = most > 0; more && changes.step();) {
        more = on_the_list.add({.change = change_of(changes),
                                .audit = changes.is_null(8) ? std::nullopt : std::optional(changes.integer(8))},
                               most);
      }
      for (auto& entry : std::move(on_the_list).all()) found.push_back(std::move(entry));
    }
    std::ranges::sort(found, std::ranges::greater{}, [](const Entry& one) { return one.change.serial; });
    if (found.size() > most) found.resize(most);
    std::vector<PastChange> past;
    past.reserve(found.size());
    Statement entry(impl_->db, std::string("SELECT ") + kAuditColumns + " FROM audit WHERE id = ?");
    for (auto& [change, audit] : found) {
      past.push_back({.change = change, .decision = audit ? entry.bind(*audit).first(audit_of) : std::nullopt});
    }
    return past;
  });
}

}  // namespace blowback::schema
