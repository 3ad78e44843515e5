// Corrects the effects of a wrong clock once the clock is right.
//
// It can't be known whether the clock is right now or was right before. So nothing here trusts the clock entirely: each step either is undone
// by the next sweep (entries that were restored too early are removed again), or is done only if the journal itself shows that the clock was
// ahead.
//
// - Removed too early: the journal's last entry of a prefix says that it expired, at a time in the future. An operator's decision is
//   restored from the journal; an automatic listing from its sender's standing, which no sweep changes.
// - Recorded while the clock was ahead: an automatic listing ends later than allowed. If the clock is behind now, every strong listing looks
//   like that. The times in the journal distinguish the two: a clock that was ahead got there in one step; if the clock is behind, there are
//   entries all the time up to then. (If the journal is younger than the clock's error, it shows nothing; then the clock is trusted.)
// - Delisted while the clock was ahead: its senders would be ignored until that time.
#include "store_impl.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace blowback::schema {
namespace {

/// Times that are ahead by less are no error: feeds have the times of other machines.
constexpr Duration kTolerance = std::chrono::minutes{1};
/// Listings that are restored or shortened in one transaction, so that other writers get their turn.
constexpr std::size_t kAtOnce = 1'000;
constexpr std::int64_t kLastSerial = std::numeric_limits<std::int64_t>::max();
/// Everything is checked again after this.
constexpr Duration kLookAgain = std::chrono::hours{1};
/// Decisions and journal entries that are checked, from the latest back: they have no index by time.
constexpr std::int64_t kLatest = 1'000;

struct Swept {
  Listing listing;
  std::optional<std::int64_t> audit;
};
struct SweptExemption {
  Prefix prefix;
  UnixTime since{};
  UnixTime expires_at{};
  std::int64_t audit = 0;
};
struct Late {
  Listing listing;
  Serial said = 0;
  UnixTime said_at{};
};
struct LateDelisting {
  Prefix prefix;
  UnixTime at{};
};

/// What has to be corrected, as of one state of the database.
struct Findings {
  std::vector<SweptExemption> exemptions;
  std::vector<Swept> listings;
  Store::Impl::LookedAt::Swept listings_up_to;  ///< if there are more
  std::vector<Late> late;
  std::vector<LateDelisting> delistings;
  [[nodiscard]] bool empty() const {
    return exemptions.empty() && listings.empty() && late.empty() && delistings.empty();
  }
};

/// A removal with no later entry of its kind. The index has removals only, so the cost depends on what was removed too early.
constexpr const char* kSweptEntries =
    "SELECT c.first, c.length, c.serial, c.source, c.codes, c.expires_at, c.audit_id FROM listing_change c INDEXED BY "
    "listing_change_swept WHERE c.action IN (3, 5) AND c.expires_at IS NOT NULL AND (c.expires_at, c.serial) > (?, ?) "
    "AND c.action = ? AND c.serial > ? "
    "AND NOT EXISTS (SELECT 1 FROM listing_change d WHERE d.first = c.first AND d.length = c.length AND d.serial > "
    "c.serial AND ((c.action = 3 AND d.action < 4 AND d.source = c.source) OR (c.action = 5 AND d.action >= 4))) "
    "ORDER BY c.expires_at, c.serial";

/// The journal's entry up to which nothing has to be checked; 0: check all. What was correct stays so as time passes, except for
/// decisions that are undone; if the clock was set back, more is in the future.
[[nodiscard]] Serial looked_at(const Store::Impl::LookedAt& before, UnixTime now) {
  return now >= before.last && now < before.since + kLookAgain ? before.serial : 0;
}

class Search {
 public:
  /// Finds at most `most` listings to restore.
  Search(Store::Impl& impl, const Policy& policy, UnixTime now, std::size_t most)
      : impl_(impl), policy_(policy), now_(now), most_(most) {}

  [[nodiscard]] Findings run() {
    Findings found;
    find_exemptions(found);
    find_listings(found);
    find_late(found);
    find_delistings(found);
    return found;
  }

 private:
  /// The decision that made the operator's listing or exemption, if it is in force. In the journal's order, since times may be wrong.
  struct Origin {
    std::int64_t audit = 0;
    UnixTime at{};
  };
  [[nodiscard]] std::optional<Origin> origin(const Prefix& prefix, ListingChange::Action began,
                                             const Statement& swept) {
    const auto serial = swept.integer(2);
    const auto expires_at = swept.integer(5);
    return origin_.bind(prefix.first().octets(), prefix.length(), static_cast<int>(began), serial)
        .first([&](const Statement& row) {
          return row.integer(2) == expires_at
                     ? std::optional(Origin{.audit = row.integer(0), .at = time_of(row.integer(1))})
                     : std::nullopt;
        })
        .value_or(std::nullopt);
  }

  void find_exemptions(Findings& found) {
    Statement swept(impl_.db, kSweptEntries);
    swept.bind(seconds(now_), kLastSerial, 5, looked_at_);
    while (swept.step()) {
      const Prefix prefix = prefix_of(swept, 0);
      if (const auto decision = origin(prefix, ListingChange::Action::exempted, swept)) {
        found.exemptions.push_back({.prefix = prefix,
                                    .since = decision->at,
                                    .expires_at = time_of(swept.integer(5)),
                                    .audit = decision->audit});
      }
    }
  }

  void find_listings(Findings& found) {
    auto exempt = impl_.exemption_set(now_);
    for (const auto& exemption : found.exemptions) exempt.insert(exemption.prefix, exemption.expires_at);
    Statement swept(impl_.db, kSweptEntries);
    // Skip what earlier slices restored.
    const auto& after = impl_.looked_at.brought_back;
    swept.bind(seconds(std::max(now_, after.expires_at)), after.expires_at > now_ ? after.serial : kLastSerial, 3,
               looked_at_);
    while (found.listings.size() < most_ && swept.step()) {
      Listing listing{.prefix = prefix_of(swept, 0),
                      .source = static_cast<Source>(swept.integer(3)),
                      .codes = CodeSet::from_bits(static_cast<std::uint32_t>(swept.integer(4))),
                      .listed_at = {},
                      .expires_at = optional_time(swept, 5),
                      .reason = {}};
      if (exempt.covers(listing.prefix, now_)) continue;
      if (listing.source == Source::automatic) {
        if (deserved(listing)) found.listings.push_back({.listing = std::move(listing), .audit = std::nullopt});
        continue;
      }
      if (!swept.is_null(6)) continue;  // not a sweep: an undo removed it, since it had ended
      const auto decision = origin(listing.prefix, ListingChange::Action::listed, swept);
      if (!decision || ended_since(listing.prefix, decision->audit)) continue;
      listing.listed_at = decision->at;
      found.listings.push_back({.listing = std::move(listing), .audit = decision->audit});
    }
    if (found.listings.size() < most_) return;
    found.listings_up_to = {.expires_at = time_of(swept.integer(5)), .serial = swept.integer(2)};
  }

  /// Whether the sender is listed now by its standing; if so, from when and until when.
  [[nodiscard]] bool deserved(Listing& listing) {
    const auto standing = standing_.bind(listing.prefix.first().octets()).first([&](const Statement& row) {
      return standing_of(row, listing.prefix);
    });
    if (!standing || !standing->listed_at || !standing->listed_until || *standing->listed_until <= now_) return false;
    // Delisted after its listing was removed, so that the decision found none to end.
    if (standing->afresh_since && *standing->afresh_since >= *standing->listed_at) return false;
    listing.listed_at = *standing->listed_at;
    listing.expires_at = standing->listed_until;
    return true;
  }

  /// Whether the operator ended it after it was removed: otherwise its last entry would be the delisting.
  [[nodiscard]] bool ended_since(const Prefix& prefix, std::int64_t audit) {
    if (!endings_) {
      endings_.emplace();
      Statement rows(impl_.db,
                     "SELECT id, subject FROM audit WHERE action IN ('delist', 'exempt') AND id NOT IN (SELECT undoes "
                     "FROM audit WHERE undoes IS NOT NULL)");
      while (rows.step()) {
        if (const auto ended = Prefix::parse(rows.text(1))) endings_->emplace_back(rows.integer(0), *ended);
      }
    }
    return std::ranges::any_of(
        *endings_, [&](const auto& ending) { return ending.first > audit && ending.second.contains(prefix); });
  }

  void find_late(Findings& found) {
    std::vector<Late> late;
    Statement rows(impl_.db, std::string("SELECT ") + kListingColumns +
                                 " FROM listing INDEXED BY listing_by_expiry WHERE expires_at IS NOT NULL AND "
                                 "expires_at > ? AND source = 0");
    Statement said(impl_.db,
                   "SELECT serial, at FROM listing_change WHERE first = ? AND length = ? AND source = 0 AND action < 4 "
                   "ORDER BY serial DESC LIMIT 1");
    rows.bind(seconds(now_ + policy_.max_listing));
    while (rows.step()) {
      Late one{.listing = listing_of(rows, 0)};
      const auto last =
          said.bind(one.listing.prefix.first().octets(), one.listing.prefix.length()).first([](const Statement& row) {
            return std::pair(row.integer(0), row.integer(1));
          });
      if (!last) continue;
      one.said = static_cast<Serial>(last->first);
      one.said_at = time_of(last->second);
      // Recorded before now: the policy has changed since then, and listings keep their end.
      if (one.said_at > now_ + kSurelyAhead) late.push_back(std::move(one));
    }
    if (!late.empty()) keep_those_of_a_step(late, found);
  }

  /// Reads the journal's times up to each late entry, from the last one that is in the past.
  void keep_those_of_a_step(std::vector<Late>& late, Findings& found) {
    std::ranges::sort(late, {}, &Late::said);
    const auto behind = Statement(impl_.db,
                                  "SELECT serial FROM listing_change WHERE serial < ? AND at <= ? ORDER BY serial DESC "
                                  "LIMIT 1")
                            .bind(late.front().said, seconds(now_))
                            .first([](const Statement& row) { return row.integer(0); })
                            .value_or(0);
    Statement entries(impl_.db,
                      "SELECT serial, at FROM listing_change WHERE serial > ? AND serial <= ? ORDER BY serial");
    entries.bind(behind, late.back().said);
    UnixTime before = now_;
    Duration longest{};
    auto next = late.begin();
    while (next != late.end() && entries.step()) {
      const UnixTime at = time_of(entries.integer(1));
      longest = at <= now_ ? Duration{} : std::max(longest, at - before);
      before = std::max(at, now_);
      if (static_cast<Serial>(entries.integer(0)) != next->said) continue;
      if (2 * longest >= next->said_at - now_) found.late.push_back(std::move(*next));
      ++next;
    }
  }

  void find_delistings(Findings& found) {
    Statement rows(impl_.db,
                   "SELECT at, subject FROM audit WHERE id > (SELECT max(id) FROM audit) - ? AND action = 'delist' AND "
                   "at > ?");
    Statement left_alone(impl_.db, "SELECT 1 FROM standing WHERE sender BETWEEN ? AND ? AND afresh_since = ? LIMIT 1");
    rows.bind(kLatest, seconds(now_ + kTolerance));
    while (rows.step()) {
      const auto prefix = Prefix::parse(rows.text(1));
      if (!prefix) continue;
      const auto range = keys_of(*prefix);
      if (left_alone.bind(range.first, range.last, rows.integer(0)).first([](const Statement&) { return true; })) {
        found.delistings.push_back({.prefix = *prefix, .at = time_of(rows.integer(0))});
      }
    }
  }

  Store::Impl& impl_;
  const Policy& policy_;
  UnixTime now_;
  std::size_t most_;
  Serial looked_at_ = looked_at(impl_.looked_at, now_);
  std::optional<std::vector<std::pair<std::int64_t, Prefix>>> endings_;
  Statement standing_{impl_.db, std::string("SELECT ") + kStandingColumns + " FROM standing WHERE sender = ?"};
  Statement origin_{
      impl_.db,
      "SELECT a.id, a.at, c.expires_at FROM listing_change c JOIN audit a ON a.id = c.audit_id WHERE c.first "
      "= ? AND c.length = ? AND c.source = 1 AND c.action = ? AND c.serial < ? AND a.id NOT IN (SELECT "
      "undoes FROM audit WHERE undoes IS NOT NULL) ORDER BY c.serial DESC LIMIT 1"};
};

/// Within a transaction.
class Mending {
 public:
  Mending(Store::Impl& impl, const Policy& policy, UnixTime now)
      : impl_(impl), latest_end_(now + policy.max_listing), now_(now) {}

  [[nodiscard]] Mended apply(const Findings& found) {
    for (const auto& exemption : found.exemptions) bring_back(exemption);
    for (const auto& swept : found.listings) bring_back(swept);
    for (const auto& late : found.late) shorten(late.listing);
    for (const auto& delisting : found.delistings) start_afresh(delisting);
    return {.exemptions = found.exemptions.size(),
            .listings = found.listings.size(),
            .shortened = found.late.size(),
            .more = found.listings.size() == kAtOnce};
  }

 private:
  void say(ListingChange::Action action, const Prefix& prefix, Source source, CodeSet codes,
           std::optional<UnixTime> expires_at, std::optional<std::int64_t> audit) {
    impl_.journal({.serial = 0,
                   .at = now_,
                   .action = action,
                   .prefix = prefix,
                   .source = source,
                   .codes = codes,
                   .expires_at = expires_at},
                  audit);
  }

  void bring_back(const SweptExemption& swept) {
    put_exemption_
        .bind(swept.prefix.first().octets(), swept.prefix.length(), seconds(swept.since), seconds(swept.expires_at),
              swept.audit)
        .run();
    say(ListingChange::Action::exempted, swept.prefix, Source::by_operator, {}, swept.expires_at, swept.audit);
  }

  void bring_back(const Swept& swept) {
    Listing listing = swept.listing;
    // Recorded while the clock was ahead, and removed when it was even further ahead.
    const bool is_late = listing.source == Source::automatic && listing.expires_at > latest_end_;
    if (is_late) {
      listing.expires_at = latest_end_;
      bring_standing_down(listing.prefix);
    }
    put_listing_
        .bind(listing.prefix.first().octets(), listing.prefix.length(), static_cast<int>(listing.source),
              listing.codes.bits(), seconds(std::min(listing.listed_at, now_)), seconds(listing.expires_at),
              swept.audit)
        .run();
    say(ListingChange::Action::listed, listing.prefix, listing.source, listing.codes, listing.expires_at, swept.audit);
  }

  void shorten(const Listing& listing) {
    shorten_.bind(seconds(now_), seconds(latest_end_), listing.prefix.first().octets(), listing.prefix.length()).run();
    bring_standing_down(listing.prefix);
    say(ListingChange::Action::prolonged, listing.prefix, Source::automatic, listing.codes, latest_end_, std::nullopt);
  }

  /// Times in the future become `now`.
  void bring_standing_down(const Prefix& sender) {
    const auto& key = sender.first().octets();
    bring_standing_down_.bind(seconds(now_), seconds(now_), seconds(latest_end_), key).run();
    bring_parts_down_.bind(seconds(now_), seconds(now_), key).run();
  }

  void start_afresh(const LateDelisting& delisting) {
    const auto range = keys_of(delisting.prefix);
    start_afresh_.bind(seconds(now_), seconds(now_), range.first, range.last, seconds(delisting.at)).run();
  }

  Store::Impl& impl_;
  UnixTime latest_end_;
  UnixTime now_;
  Statement put_exemption_{impl_.db,
                           "INSERT OR IGNORE INTO exemption (first, length, since, expires_at, audit_id) VALUES (?, ?, "
                           "?, ?, ?)"};
  Statement put_listing_{impl_.db,
                         "INSERT INTO listing (first, length, source, codes, listed_at, expires_at, audit_id) VALUES "
                         "(?, ?, ?, ?, ?, ?, ?)"};
  Statement shorten_{impl_.db,
                     "UPDATE listing SET listed_at = min(listed_at, ?), expires_at = ? WHERE first = ? AND length = ? "
                     "AND source = 0"};
  Statement bring_standing_down_{impl_.db,
                                 "UPDATE standing SET at = min(at, ?), listed_at = min(listed_at, ?), listed_until = "
                                 "min(listed_until, ?) WHERE sender = ?"};
  Statement bring_parts_down_{impl_.db,
                              "UPDATE standing_part SET at = min(at, ?), last_at = min(last_at, ?) WHERE sender = ?"};
  Statement start_afresh_{impl_.db,
                          "UPDATE standing SET at = min(at, ?), afresh_since = ? WHERE sender BETWEEN ? AND ? AND "
                          "afresh_since = ?"};
};

}  // namespace

Result<Mended> Store::mend_times(UnixTime now, const Policy& policy) {
  return attempt(impl_->path, [&]() -> Mended {
    {
      // Usually there is nothing: don't lock the database for writing to find that out.
      const ReadTransaction one_state(impl_->db);
      if (Search(*impl_, policy, now, 1).run().empty()) {
        auto& looked = impl_->looked_at;
        if (looked_at(looked, now) == 0) looked.since = now;
        looked.last = now;
        looked.serial = impl_->head();
        return {};
      }
    }
    Transaction transaction(impl_->db);
    const Findings found = Search(*impl_, policy, now, kAtOnce).run();
    const Mended mended = Mending(*impl_, policy, now).apply(found);
    transaction.commit();
    impl_->looked_at.brought_back = found.listings_up_to;
    return mended;
  });
}

Result<TimesAhead> Store::times_ahead(UnixTime now) {
  return attempt(impl_->path, [&]() -> TimesAhead {
    const auto ahead = [&](Statement latest) -> std::optional<UnixTime> {
      const auto at = latest.first([](const Statement& row) { return optional_time(row, 0); }).value_or(std::nullopt);
      return at && *at > now + kTolerance ? at : std::nullopt;
    };
    const auto& db = impl_->db;
    Statement decision(db, "SELECT max(at) FROM audit WHERE id > (SELECT max(id) FROM audit) - ?");
    Statement change(db,
                     "SELECT max(at) FROM listing_change WHERE serial > (SELECT max(serial) FROM listing_change) - ?");
    Statement incident(db,
                       "SELECT max(received_at) FROM evidence WHERE number > (SELECT max(number) FROM evidence) - ?");
    incident.bind(kLatest);
    decision.bind(kLatest);
    change.bind(kLatest);
    return {.incident = ahead(std::move(incident)),
            .decision = ahead(std::move(decision)),
            .change = ahead(std::move(change))};
  });
}

}  // namespace blowback::schema
