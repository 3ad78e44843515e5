// Finding among many: listings in slices, entries of the audit, what became of an address. Nothing here writes.
#include "store_impl.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace blowback::schema {
namespace {

/// Listings that are read in one transaction. Few, so that a slow reader's terminal doesn't hold back checkpoints, and some
/// megabytes hold them; more, and a slice's own costs vanish.
constexpr std::size_t kSlice = 10'000;

/// Where the next slice begins: after this row.
struct Place {
  IpAddress::Octets first{};
  int length = -1;
  int source = 0;
};

/// Up to `most` listings behind `at`, which is moved on. `read_on`: there may be more.
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

/// An entry of the journal, and the decision behind it.
struct Entry {
  ListingChange change;
  std::optional<std::int64_t> audit;
};

/// Of one prefix's entries, newest first, those of listings that were on the list at some time. What was over when it was recorded, as
/// of old mail, stands in the journal for a clock that was wrong (mend_times.cc), and never was on the list; nor did it end.
class OnTheList {
 public:
  /// False: enough is found.
  bool take(Entry entry, std::size_t most) {
    const auto& change = entry.change;
    using enum ListingChange::Action;
    if (change.source == Source::automatic && (change.action == listed || change.action == prolonged) &&
        change.expires_at && *change.expires_at <= change.at) {
      passed_over_ = true;
      return true;
    }
    // The end of what was passed over since is nobody's; that of a listing that was prolonged too late is its own.
    const bool has_begun =
        change.source == Source::automatic && (change.action == listed || change.action == prolonged);
    if (change.source == Source::automatic) settle(has_begun || !passed_over_);
    if (change.source == Source::automatic && change.action == expired) {
      swept_ = std::move(entry);
    } else {
      found_.push_back(std::move(entry));
    }
    return found_.size() < most;
  }

  [[nodiscard]] std::vector<Entry> all() && {
    settle(!passed_over_);
    return std::move(found_);
  }

 private:
  void settle(bool ended) {
    if (swept_ && ended) found_.push_back(std::move(*swept_));
    swept_.reset();
    passed_over_ = false;
  }

  std::vector<Entry> found_;
  std::optional<Entry> swept_;  ///< what it ended isn't known yet
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
        more = on_the_list.take({.change = change_of(changes),
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
