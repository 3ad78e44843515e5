// For ingest: recording a batch of a feed, and removing listings and exemptions that have ended.
//
// Incidents, standings, listings, journal, quarantine, counts and the feed's position are committed in one transaction. So after a kill the
// batch was recorded completely or not at all; a feed that is read again from its position meets either case, and duplicates are recognised by
// their digests.
#include "fold.h"
#include "recent_parts.h"
#include "store_impl.h"
#include "totals.h"

#include <algorithm>
#include <cassert>
#include <unordered_map>

namespace blowback::schema {
namespace {

/// The quarantine keeps the beginning of a delivery, which shows what is wrong with it.
constexpr std::size_t kKeptOctets = 64U << 10U;

/// The oldest entries of the quarantine beyond this number are removed, so that strangers can't fill more than 128 MiB.
constexpr std::int64_t kKeptQuarantine = 2'000;

}  // namespace

struct RecordStatements {
  explicit RecordStatements(const Connection& db)
      : known(db, "SELECT 1 FROM incident WHERE sender = ? AND digest = ?"),
        retired(db, "SELECT 1 FROM retired_trap WHERE trap = ?"),
        standing(db, std::string("SELECT ") + kStandingColumns +
                         ", recent_witnesses, recent_campaigns, incidents FROM standing WHERE sender = ?"),
        part(db, "SELECT amount, at, key FROM standing_part WHERE sender = ? AND dimension = ? AND key IN (?, ?)"),
        name_part(db, "UPDATE OR REPLACE standing_part SET key = ? WHERE sender = ? AND dimension = ? AND key = ?"),
        recent(
            db,
            "SELECT key, last_at FROM standing_part WHERE sender = ? AND dimension = ? ORDER BY last_at DESC LIMIT ?"),
        kinds(db, "SELECT key FROM standing_part WHERE sender = ? AND dimension = 3 AND last_at > ?"),
        listing(db, std::string("SELECT ") + kListingColumns +
                        " FROM listing WHERE first = ? AND length = ? AND source = 0"),
        put_standing(db,
                     "INSERT INTO standing (sender, score, at, times_listed, listed_at, listed_until, afresh_since, "
                     "recent_witnesses, recent_campaigns, incidents) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) "
                     "ON CONFLICT DO UPDATE SET score = excluded.score, at = excluded.at, "
                     "times_listed = excluded.times_listed, listed_at = excluded.listed_at, "
                     "listed_until = excluded.listed_until, afresh_since = excluded.afresh_since, "
                     "recent_witnesses = excluded.recent_witnesses, recent_campaigns = excluded.recent_campaigns, "
                     "incidents = incidents + 1"),
        put_part(db,
                 "INSERT INTO standing_part (sender, dimension, key, amount, at, last_at, incidents) "
                 "VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET amount = excluded.amount, at = excluded.at, "
                 "last_at = max(last_at, excluded.last_at), incidents = incidents + 1"),
        put_crowded(db, "INSERT OR IGNORE INTO crowded (sender) VALUES (?)"),
        put_incident(db, kPutIncident),
        put_evidence(db, kPutEvidence),
        put_listing(
            db,
            "INSERT INTO listing (first, length, source, codes, listed_at, expires_at) VALUES (?, ?, 0, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET codes = excluded.codes, listed_at = excluded.listed_at, "
            "expires_at = excluded.expires_at"),
        remove_listing(db, "DELETE FROM listing WHERE first = ? AND length = ? AND source = ?"),
        put_quarantine(
            db,
            "INSERT INTO quarantine (digest, feed, at, place, reason, detail, bytes) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING"),
        trim_quarantine(db, "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?"),
        put_feed(db,
                 "INSERT INTO feed_position (feed, position, last_delivery, deliveries, incidents, duplicates, "
                 "not_backscatter, not_a_trap, quarantined, uncounted, unknown_reverse_path) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                 "ON CONFLICT DO UPDATE SET position = coalesce(excluded.position, position), "
                 "last_delivery = coalesce(excluded.last_delivery, last_delivery), "
                 "deliveries = deliveries + excluded.deliveries, incidents = incidents + excluded.incidents, "
                 "duplicates = duplicates + excluded.duplicates, "
                 "not_backscatter = not_backscatter + excluded.not_backscatter, "
                 "not_a_trap = not_a_trap + excluded.not_a_trap, quarantined = quarantined + excluded.quarantined, "
                 "uncounted = uncounted + excluded.uncounted, "
                 "unknown_reverse_path = unknown_reverse_path + excluded.unknown_reverse_path") {}

  Statement known, retired, standing, part, name_part, recent, kinds, listing, put_standing, put_part, put_crowded,
      put_incident, put_evidence, put_listing, remove_listing, put_quarantine, trim_quarantine, put_feed;
  /// Whether the digest belongs to an incident of the former format; absent once all are converted (convert.cc).
  std::unique_ptr<Statement> known_before;
};

Store::Impl::Impl(std::string file, Mode open_mode, int flags)
    : path(std::move(file)), mode(open_mode), db(path, flags) {}
Store::Impl::~Impl() = default;

namespace {

/// The witnesses and campaigns that reported a sender last.
struct Recent {
  RecentParts witnesses;
  RecentParts campaigns;
};

/// Records one batch, within its transaction.
class Recording {
 public:
  Recording(Store::Impl& impl, const Policy& policy, Assess assess, UnixTime now)
      : impl_(impl),
        sql_(*impl.recording),
        policy_(policy),
        assess_(assess),
        now_(now),
        exempt_(impl.exemption_set(now)),
        delistings_(impl.unfinished_delistings()) {}

  void add(const Incident& incident, Recorded& recorded) {
    const auto is_there = [](const Statement&) { return true; };
    if (sql_.retired.bind(incident.trap).first(is_there)) {
      ++recorded.left_alone;
      return;
    }
    const Prefix sender = sender_of(incident.client);
    const auto& key = sender.first().octets();
    const auto digest = short_digest(incident.digest);
    if (sql_.known.bind(key, digest).first(is_there) ||
        (sql_.known_before && sql_.known_before->bind(digest_octets(incident.digest)).first(is_there))) {
      ++recorded.duplicates;
      return;
    }
    ++recorded.incidents;
    const Counting counting = counting_of(incident, policy_.any_reverse_path);
    if (counting != Counting::counted) ++recorded.uncounted;
    if (counting == Counting::unknown_reverse_path) ++recorded.unknown_reverse_path;
    ++recorded.incidents_by_kind.at(static_cast<std::size_t>(incident.kind));
    // The clocks of feeds and hosts may be wrong: a time in the future counts as now.
    Incident dated = incident;
    dated.received_at = std::min(incident.received_at, now_);
    const Accusation accusation = accusation_of(dated);
    const std::string origin = origin_key(dated);
    const std::string mailbox = mailbox_key(dated);
    Recent recent;
    const Ledger ledger = ledger_for(sender, dated, accusation, origin, mailbox, recent);
    const Assessment result = assess_(policy_, accusation, ledger);
    if (result.credit > 0) {
      recent.witnesses.touch(accusation.keys.witness, dated.received_at, policy_.distinct_traps);
      recent.campaigns.touch(accusation.keys.campaign, dated.received_at, policy_.distinct_campaigns);
    }
    dated.credit = result.credit;
    put_standing(result.standing, recent);
    put(dated, accusation, digest);
    totals_.count(dated);
    if (result.credit <= 0) return;  // no part of the score changes

    put_part(key, Dimension::witness, dated.witness, result.by_witness, dated);
    put_part(key, Dimension::campaign, dated.campaign, result.by_campaign, dated);
    put_part(key, Dimension::kind, name_of(dated.kind), result.by_kind, dated);
    put_part(key, Dimension::origin, origin, result.by_origin, dated);
    if (!mailbox.empty()) put_part(key, Dimension::mailbox, mailbox, result.by_mailbox, dated);
    if (result.listing) relist(*result.listing, recorded);
  }

  /// To be called after the last incident.
  void write_totals() {
    totals_.write(impl_.db);
    if (next_number_) set_total(impl_.db, "next_number", *next_number_);
  }

  /// True: it is new.
  bool keep(const Quarantined& thing) {
    const auto bytes = std::string_view(thing.bytes).substr(0, kKeptOctets);
    sql_.put_quarantine
        .bind(digest_octets(thing.digest), thing.feed, seconds(thing.at), thing.where, thing.reason, thing.detail,
              std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()))
        .run();
    return impl_.db.changes() > 0;
  }

 private:
  /// The sum of a part. A part that an undo computed after its text had expired gets its text back (see `label_of`).
  [[nodiscard]] FadingSum part(const IpAddress::Octets& sender, Dimension dimension, std::string_view key) {
    const std::string label = label_of(part_key(key));
    bool is_nameless = false;
    const auto sum = sql_.part.bind(sender, static_cast<int>(dimension), key, label).first([&](const Statement& row) {
      is_nameless = row.text(2) != key;
      return FadingSum{.amount = row.real(0), .at = std::min(time_of(row.integer(1)), now_)};
    });
    if (is_nameless) sql_.name_part.bind(key, sender, static_cast<int>(dimension), label).run();
    return sum.value_or(FadingSum{});
  }

  /// Who reported the sender last. For a sender of a former format this is only in its parts.
  [[nodiscard]] RecentParts recent_parts(const IpAddress::Octets& sender, const Statement& standing, int column,
                                         Dimension dimension, int most) {
    if (!standing.is_null(column)) return RecentParts(standing.blob(column));
    RecentParts parts;
    sql_.recent.bind(sender, static_cast<int>(dimension), most + 1);
    while (sql_.recent.step()) parts.touch(key_of_label(sql_.recent.text(0)), time_of(sql_.recent.integer(1)), most);
    return parts;
  }

  void put_standing(const Standing& standing, const Recent& recent) {
    const auto witnesses = recent.witnesses.octets();
    const auto campaigns = recent.campaigns.octets();
    sql_.put_standing
        .bind(standing.sender.first().octets(), standing.score.amount, seconds(standing.score.at),
              standing.times_listed, seconds(standing.listed_at), seconds(standing.listed_until),
              seconds(standing.afresh_since), as_blob(witnesses), as_blob(campaigns))
        .run();
  }

  void put(const Incident& incident, const Accusation& accusation, std::int64_t digest) {
    if (!next_number_) next_number_ = total(impl_.db, "next_number").value_or(1);
    put_incident(sql_.put_incident, incident, accusation, digest, *next_number_);
    put_evidence(sql_.put_evidence, incident, *next_number_, now_);
    ++*next_number_;
  }

  [[nodiscard]] Ledger ledger_for(const Prefix& sender, const Incident& incident, const Accusation& accusation,
                                  const std::string& origin, const std::string& mailbox, Recent& recent) {
    Ledger ledger;
    ledger.standing.sender = sender;
    for (const auto& delisting : delistings_) {
      if (!delisting.prefix.contains(sender)) continue;
      impl_.start_afresh(sender, delisting, now_);
      ledger.standing.afresh_since =
          delisting.at;  // even without a standing, which the delisting's slices wouldn't find
    }
    const auto& key = sender.first().octets();
    std::uint64_t incidents = 0;
    const auto standing = sql_.standing.bind(key).first([&](const Statement& row) {
      recent.witnesses = recent_parts(key, row, 6, Dimension::witness, policy_.distinct_traps);
      recent.campaigns = recent_parts(key, row, 7, Dimension::campaign, policy_.distinct_campaigns);
      incidents = static_cast<std::uint64_t>(row.integer(8));
      return standing_of(row, sender);
    });
    if (standing) {
      ledger.standing = not_after_now(*standing);
      ledger.by_witness = part(key, Dimension::witness, incident.witness);
      ledger.by_campaign = part(key, Dimension::campaign, incident.campaign);
      ledger.by_kind = part(key, Dimension::kind, name_of(incident.kind));
      ledger.by_origin = part(key, Dimension::origin, origin);
      if (!mailbox.empty()) ledger.by_mailbox = part(key, Dimension::mailbox, mailbox);
      const UnixTime since = incident.received_at - policy_.memory();
      ledger.witnesses = recent.witnesses.others(accusation.keys.witness, since, policy_.distinct_traps);
      ledger.campaigns = recent.campaigns.others(accusation.keys.campaign, since, policy_.distinct_campaigns);
      sql_.kinds.bind(key, seconds(since));
      while (sql_.kinds.step()) {
        if (const auto kind = kind_named(sql_.kinds.text(0)); kind && is_backscatter(*kind))
          ledger.codes |= code_for(*kind);
      }
    }
    if (incidents > kMostOfSender && incidents % kCrowdedStep == 0) sql_.put_crowded.bind(key).run();
    ledger.exempt = exempt_.covers(incident.client, now_);
    return ledger;
  }

  /// Corrects a clock that was ahead: a time in the future becomes now.
  [[nodiscard]] Standing not_after_now(Standing standing) const {
    const auto bound = [](std::optional<UnixTime>& time, UnixTime latest) {
      if (time && *time > latest) time = latest;
    };
    standing.score.at = std::min(standing.score.at, now_);
    bound(standing.listed_at, now_);
    bound(standing.listed_until, now_ + policy_.max_listing);
    bound(standing.afresh_since, now_);
    return standing;
  }

  void put_part(const IpAddress::Octets& sender, Dimension dimension, std::string_view key, const FadingSum& sum,
                const Incident& incident) {
    sql_.put_part
        .bind(sender, static_cast<int>(dimension), key, sum.amount, seconds(sum.at), seconds(incident.received_at))
        .run();
  }

  void relist(const Listing& after, Recorded& recorded) {
    const Prefix& sender = after.prefix;
    // Nothing automatic lists more than one sender, whatever the scorer returns.
    assert(sender == sender_of(sender.first()));
    const auto before = sql_.listing.bind(sender.first().octets(), sender.length()).first([](const Statement& row) {
      return listing_of(row, 0);
    });
    if (before == after) return;
    const auto say = [&](ListingChange::Action action, const Listing& listing) {
      impl_.journal({.serial = 0,
                     .at = now_,
                     .action = action,
                     .prefix = sender,
                     .source = Source::automatic,
                     .codes = listing.codes,
                     .expires_at = listing.expires_at},
                    std::nullopt);
    };
    sql_.put_listing
        .bind(sender.first().octets(), sender.length(), after.codes.bits(), seconds(after.listed_at),
              seconds(after.expires_at))
        .run();
    // If the beginning is the same, the listing is prolonged; otherwise the earlier one had ended, whether it was removed or not.
    const bool goes_on = before && before->listed_at == after.listed_at;
    if (before && !goes_on) say(ListingChange::Action::expired, *before);
    say(goes_on ? ListingChange::Action::prolonged : ListingChange::Action::listed, after);
    // Written to the journal even if it is over by now, so that it can be restored if the clock is wrong (mend_times.cc). But it isn't on the
    // list, and isn't reported as listed.
    if (!after.in_force(now_)) return;
    if (goes_on) {
      ++recorded.prolonged;
    } else {
      recorded.newly_listed.push_back(sender);
    }
  }

  Store::Impl& impl_;
  RecordStatements& sql_;
  const Policy& policy_;
  Assess assess_;
  UnixTime now_;
  ExemptionSet exempt_;
  std::vector<Store::Impl::Delisting> delistings_;
  Totals totals_;
  std::optional<std::int64_t> next_number_;  ///< read for the first incident
};

/// Prepared as long as there are digests of the former format.
void watch_former(Store::Impl& impl) {
  auto& known = impl.recording->known_before;
  if (!impl.has_former_incidents()) {
    known.reset();
  } else if (!known) {
    known = std::make_unique<Statement>(impl.db, "SELECT 1 FROM former_incident WHERE digest = ?");
  }
}

}  // namespace

Result<Recorded> Store::record(const Batch& batch, const Policy& policy, Assess assess, UnixTime now) {
  return attempt(impl_->path, [&]() -> Recorded {
    Transaction transaction(impl_->db);
    if (!impl_->recording) impl_->recording = std::make_unique<RecordStatements>(impl_->db);
    watch_former(*impl_);
    Recording recording(*impl_, policy, assess, now);
    Recorded recorded;
    for (const auto& incident : batch.incidents) recording.add(incident, recorded);
    recording.write_totals();
    bool any_kept = false;
    for (const auto& thing : batch.quarantined) any_kept |= recording.keep(thing);
    if (any_kept) impl_->recording->trim_quarantine.bind(kKeptQuarantine).run();
    const FeedCounts& counts = batch.counts;
    const std::optional<UnixTime> delivered = counts.deliveries > 0 ? std::optional(now) : std::nullopt;
    impl_->recording->put_feed
        .bind(batch.feed, batch.position, seconds(delivered), counts.deliveries, recorded.incidents,
              recorded.duplicates, counts.not_backscatter, counts.not_a_trap + recorded.left_alone, counts.quarantined,
              recorded.uncounted, recorded.unknown_reverse_path)
        .run();
    recorded.serial = impl_->head();
    transaction.commit();
    return recorded;
  });
}

Result<std::optional<std::string>> Store::feed_position(std::string_view feed) {
  return attempt(impl_->path, [&]() -> std::optional<std::string> {
    return Statement(impl_->db, "SELECT position FROM feed_position WHERE feed = ? AND position IS NOT NULL")
        .bind(feed)
        .first([](const Statement& row) { return row.text(0); });
  });
}

Result<std::optional<UnixTime>> Store::last_delivery(std::string_view feed) {
  return attempt(impl_->path, [&]() -> std::optional<UnixTime> {
    Statement row(impl_->db, "SELECT last_delivery FROM feed_position WHERE feed = ?");
    row.bind(feed);
    return row.step() ? optional_time(row, 0) : std::nullopt;
  });
}

Result<std::uint64_t> Store::expire(UnixTime now) {
  return attempt(impl_->path, [&]() -> std::uint64_t {
    // Usually there is nothing: don't lock the database for writing to find that out.
    const auto due = [&](const char* table) {
      return Statement(impl_->db, std::string("SELECT 1 FROM ") + table + " WHERE expires_at <= ? LIMIT 1")
          .bind(seconds(now))
          .first([](const Statement&) { return true; })
          .has_value();
    };
    if (!due("listing") && !due("exemption")) return 0;
    Transaction transaction(impl_->db);
    Slice slice(impl_->slicing);
    const auto say = [&](ListingChange::Action action, const Prefix& prefix, Source source, CodeSet codes,
                         std::optional<UnixTime> expires_at) {
      impl_->journal({.serial = 0,
                      .at = now,
                      .action = action,
                      .prefix = prefix,
                      .source = source,
                      .codes = codes,
                      .expires_at = expires_at},
                     std::nullopt);
    };
    std::uint64_t swept = 0;
    bool is_over = false;
    Statement rows(impl_->db,
                   std::string("SELECT ") + kListingColumns +
                       " FROM listing WHERE expires_at <= ? ORDER BY expires_at, first, length, source LIMIT ?");
    Statement remove(impl_->db, "DELETE FROM listing WHERE first = ? AND length = ? AND source = ?");
    while (!is_over) {
      std::vector<Listing> listings;
      rows.bind(seconds(now), kKeysAtOnce);
      while (rows.step()) listings.push_back(listing_of(rows, 0));
      if (listings.empty()) break;
      for (const auto& listing : listings) {
        remove.bind(listing.prefix.first().octets(), listing.prefix.length(), static_cast<int>(listing.source)).run();
        say(ListingChange::Action::expired, listing.prefix, listing.source, listing.codes, listing.expires_at);
        ++swept;
        if (is_over = slice.is_over(); is_over) break;
      }
    }
    Statement ended(
        impl_->db,
        "SELECT first, length, expires_at FROM exemption WHERE expires_at <= ? ORDER BY first, length LIMIT 1");
    Statement remove_exemption(impl_->db, "DELETE FROM exemption WHERE first = ? AND length = ?");
    while (!is_over) {
      const auto exemption = ended.bind(seconds(now)).first([](const Statement& row) {
        return std::pair(prefix_of(row, 0), optional_time(row, 2));
      });
      if (!exemption) break;
      const auto& [prefix, expires_at] = *exemption;
      remove_exemption.bind(prefix.first().octets(), prefix.length()).run();
      say(ListingChange::Action::exemption_ended, prefix, Source::by_operator, {}, expires_at);
      ++swept;
      is_over = slice.is_over();
    }
    transaction.commit();
    return swept;
  });
}

}  // namespace blowback::schema
