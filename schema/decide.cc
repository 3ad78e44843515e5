// The operator's decisions: list, delist, exempt. Each makes an entry of the audit, to which its journal entries refer.
#include "store_impl.h"

#include <algorithm>
#include <memory>

namespace blowback::schema {

std::optional<StoreError> unfounded(const Decision& decision) {
  if (!decision.who.empty() && !decision.reason.empty()) return std::nullopt;
  return StoreError{StoreError::Code::other, "a decision needs a name and a reason"};
}

namespace {

/// The tool checks this before; here it is enforced for all callers.
[[nodiscard]] std::optional<StoreError> too_wide(std::span<const Prefix> prefixes, Permission permission) {
  if (permission == Permission::wide) return std::nullopt;
  const auto reach = reach_of(prefixes);
  if (reach.breadth == Breadth::narrow) return std::nullopt;
  return StoreError{StoreError::Code::too_wide,
                    in_words(reach) + " (" + to_string(reach.addresses) +
                        " in all), which needs the permission for wide decisions (--wide); nothing was changed"};
}

}  // namespace

Prefix at_least_a_sender(const Prefix& prefix) {
  const Prefix sender = sender_of(prefix.first());
  return prefix.length() > sender.length() ? sender : prefix;
}

Prefix prefix_decided_on(const AuditEntry& entry) {
  const auto prefix = Prefix::parse(entry.subject);
  if (!prefix) throw SqlFailure(SQLITE_CORRUPT, "a decision on something that is no prefix");
  return *prefix;
}

void Store::Impl::end_listing(const Listing& listing, std::int64_t audit_id, UnixTime now) {
  if (!remove_listing_) {
    remove_listing_ =
        std::make_unique<Statement>(db, "DELETE FROM listing WHERE first = ? AND length = ? AND source = ?");
  }
  remove_listing_->bind(listing.prefix.first().octets(), listing.prefix.length(), static_cast<int>(listing.source))
      .run();
  journal({.serial = 0,
           .at = now,
           .action = ListingChange::Action::delisted,
           .prefix = listing.prefix,
           .source = listing.source,
           .codes = listing.codes,
           .expires_at = listing.expires_at},
          audit_id);
}

std::vector<Store::Impl::Delisting> Store::Impl::unfinished_delistings() {
  std::vector<Delisting> delistings;
  Statement rows(db,
                 "SELECT a.id, a.subject, a.at FROM unfinished JOIN audit a ON a.id = audit_id WHERE action = 'delist' "
                 "ORDER BY a.id");
  while (rows.step()) {
    const auto prefix = Prefix::parse(rows.text(1));
    if (!prefix) throw SqlFailure(SQLITE_CORRUPT, "a decision on something that is no prefix");
    delistings.push_back({.audit = rows.integer(0), .prefix = *prefix, .at = time_of(rows.integer(2))});
  }
  return delistings;
}

struct AfreshStatements {
  explicit AfreshStatements(const Connection& db)
      : standing(db, std::string("SELECT ") + kStandingColumns + " FROM standing WHERE sender = ?"),
        listing(db, std::string("SELECT ") + kListingColumns +
                        " FROM listing WHERE first = ? AND length = ? AND source = 0"),
        put(db,
            "UPDATE standing SET score = 0, at = ?1, afresh_since = ?1, recent_witnesses = NULL, recent_campaigns = "
            "NULL, listed_at = iif(?2, NULL, listed_at), "
            "listed_until = iif(?2, NULL, listed_until) WHERE sender = ?3"),
        forget_parts(db, "DELETE FROM standing_part WHERE sender = ?") {}

  Statement standing, listing, put, forget_parts;
};

bool Store::Impl::start_afresh(const Prefix& sender, const Delisting& delisting, UnixTime now) {
  if (!afresh_) afresh_ = std::make_shared<AfreshStatements>(db);
  const auto& key = sender.first().octets();
  const auto standing =
      afresh_->standing.bind(key).first([&](const Statement& row) { return standing_of(row, sender); });
  // Incidents since then count, and must not be removed a second time. (A time in the future comes from a wrong clock.)
  if (standing && standing->afresh_since >= delisting.at && standing->afresh_since <= now) return false;
  const auto listing =
      afresh_->listing.bind(key, sender.length()).first([](const Statement& row) { return listing_of(row, 0); });
  if (listing) end_listing(*listing, delisting.audit, now);
  if (!standing) return listing.has_value();
  // The number of listings stays, so that the next one lasts longer. The current listing is forgotten, even if it was removed while the clock
  // was ahead, before its end.
  afresh_->put.bind(seconds(delisting.at), listing || standing->listed_until > now, key).run();
  afresh_->forget_parts.bind(key).run();
  return listing.has_value();
}

Plan Store::Impl::delisting(Work& work, const AuditEntry& entry, UnixTime now) {
  const Prefix within = prefix_decided_on(entry);
  const auto afresh = [this, &work, &entry, within, now](const Prefix& sender) {
    if (!within.contains(sender)) return;
    if (start_afresh(sender, {.audit = work.audit, .prefix = within, .at = entry.at}, now)) ++work.ended;
  };
  // What the operator has listed since then stays.
  const auto by_operator = std::make_shared<Statement>(
      db, std::string("SELECT ") + kListingColumns +
              " FROM listing WHERE first = ? AND length = ? AND source = 1 AND audit_id < ?");
  const auto end = [this, &work, within, now, by_operator, afresh](const Key& key) {
    const Prefix prefix = prefix_of(key);
    if (!within.contains(prefix)) return;
    if (static_cast<Source>(key.last) == Source::automatic) {
      afresh(prefix);
      return;
    }
    const auto listing = by_operator->bind(key.first, key.length, work.audit).first([](const Statement& row) {
      return listing_of(row, 0);
    });
    if (!listing) return;
    end_listing(*listing, work.audit, now);
    ++work.ended;
  };
  return {.stages = {through_listings(within, end),
                     through_senders(within, [afresh](const Key& key) { afresh(sender_with(key)); })}};
}

std::vector<Stage> Store::Impl::ending_listings(Work& work, const Prefix& prefix, UnixTime now) {
  const auto standing_there = std::make_shared<Statement>(
      db, std::string("SELECT ") + kListingColumns + " FROM listing WHERE first = ? AND length = ? AND source = ?");
  const auto forget =
      std::make_shared<Statement>(db, "UPDATE standing SET listed_at = NULL, listed_until = NULL WHERE sender = ?");
  const auto forget_later = std::make_shared<Statement>(
      db, "UPDATE standing SET listed_at = NULL, listed_until = NULL WHERE sender = ? AND listed_until > ?");
  const auto end = [this, &work, prefix, now, standing_there, forget](const Key& key) {
    if (!prefix.contains(prefix_of(key))) return;
    const auto listing = standing_there->bind(key.first, key.length, key.last).first([](const Statement& row) {
      return listing_of(row, 0);
    });
    if (!listing) return;
    if (listing->source == Source::automatic) forget->bind(key.first).run();
    end_listing(*listing, work.audit, now);
    ++work.ended;
  };
  // Also for listings that were removed while the clock was ahead, before their end.
  const auto forget_swept = [prefix, now, forget_later](const Key& key) {
    if (prefix.contains(sender_with(key))) forget_later->bind(key.first, seconds(now)).run();
  };
  return {through_listings(prefix, end), through_senders(prefix, forget_swept)};
}

bool Store::Impl::is_exempt_by(std::int64_t audit_id, const Prefix& prefix, UnixTime now) {
  return Statement(db,
                   "SELECT 1 FROM exemption WHERE first = ? AND length = ? AND audit_id = ? AND (expires_at IS NULL OR "
                   "expires_at > ?)")
      .bind(prefix.first().octets(), prefix.length(), audit_id, seconds(now))
      .first([](const Statement&) { return true; })
      .has_value();
}

Plan Store::Impl::exempting(Work& work, const AuditEntry& entry, UnixTime now) {
  const Prefix prefix = prefix_decided_on(entry);
  Plan plan{.stages = ending_listings(work, prefix, now), .changes_at_begin = 1};
  const std::size_t all = plan.stages.size();
  // If the exemption has ended by now, the listings that are left in it stay.
  plan.refresh = [this, &work, prefix, now, all] {
    if (!is_exempt_by(work.audit, prefix, now)) work.stage = all;
  };
  return plan;
}

Result<Listed> Store::list(std::span<const Prefix> prefixes, std::optional<UnixTime> until, const Decision& decision,
                           UnixTime now, std::string_view imported_from, Permission permission) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  if (auto error = too_wide(prefixes, permission)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> Listed {
    const bool is_import = !imported_from.empty();
    std::string subject(imported_from);
    if (!is_import) {
      subject = prefixes.size() == 1 ? prefixes.front().to_string() : std::to_string(prefixes.size()) + " prefixes";
    }
    const char* const action = is_import ? "import" : "list";
    Work work = impl_->unfinished_like(decision, action, subject, until, now);
    UnixTime at = now;
    if (const auto begun = impl_->entry(static_cast<std::uint64_t>(work.audit))) {
      at = begun->at;
      until = begun->until;
    }
    // A listing that already is as requested stays unchanged, with its first reason: a daily import of the same file must not rewrite the whole
    // list. Likewise what was listed before an interruption: an import begins with the first line again.
    const CodeSet codes = Code::by_operator;
    Statement upsert(
        impl_->db,
        "INSERT INTO listing (first, length, source, codes, listed_at, expires_at, audit_id) "
        "VALUES (?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET listed_at = excluded.listed_at, "
        "expires_at = excluded.expires_at, audit_id = excluded.audit_id "
        "WHERE expires_at IS NOT excluded.expires_at OR listing.audit_id < ? OR (SELECT reason FROM audit WHERE id = "
        "listing.audit_id) IS NOT (SELECT reason FROM audit WHERE id = excluded.audit_id)");
    // Listings that an unfinished delisting would still end are listed again.
    std::int64_t delisted_by = 0;
    Listed listed;
    std::size_t taken = 0;
    ExemptionSet exempt;
    const auto next = [&](const Key&) {
      std::vector<Key> keys;
      for (const auto& prefix : prefixes.subspan(taken, std::min<std::size_t>(prefixes.size() - taken, kKeysAtOnce))) {
        keys.push_back({.first = prefix.first().octets(), .length = prefix.length(), .last = 1});
      }
      return keys;
    };
    const auto process = [&](const Key& key) {
      const Prefix& prefix = prefixes[taken];
      const bool again = taken > 0 && prefixes[taken - 1] == prefix;
      ++taken;
      if (again || exempt.covers(prefix, now)) return;
      ++listed.standing;
      upsert.bind(key.first, key.length, codes.bits(), seconds(at), seconds(until), work.audit, delisted_by).run();
      if (impl_->db.changes() == 0) return;
      ++work.listed;
      ++listed.changed;
      impl_->journal({.serial = 0,
                      .at = now,
                      .action = ListingChange::Action::listed,
                      .prefix = prefix,
                      .source = Source::by_operator,
                      .codes = codes,
                      .expires_at = until},
                     work.audit);
    };
    const Plan plan{
        .begin =
            [&] {
              // This import replaces an unfinished one of the same file.
              Statement(impl_->db,
                        "DELETE FROM unfinished WHERE audit_id IN (SELECT id FROM audit WHERE action = ? "
                        "AND subject = ?)")
                  .bind(std::string_view(action), subject)
                  .run();
              work.audit = impl_->audit(decision, action, subject, until, now);
              return true;
            },
        .refresh =
            [&] {
              exempt = impl_->exemption_set(now);
              delisted_by = impl_->db.integer(
                  "SELECT coalesce(max(id), 0) FROM audit WHERE action = 'delist' AND id IN (SELECT audit_id FROM "
                  "unfinished)");
            },
        .stages = {{.next = next, .process = process, .left = [&](const Key&) { return prefixes.size() - taken; }}},
        .is_callers_own = true};
    static_cast<void>(impl_->carry_out(work, plan));
    return listed;
  });
}

Result<std::uint64_t> Store::delist(const Prefix& prefix, const Decision& decision, UnixTime now,
                                    Permission permission) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  if (auto error = too_wide({&prefix, 1}, permission)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> std::uint64_t {
    const std::string subject = at_least_a_sender(prefix).to_string();
    Work work = impl_->unfinished_like(decision, "delist", subject, std::nullopt, now);
    const AuditEntry entry =
        impl_->entry(static_cast<std::uint64_t>(work.audit)).value_or(AuditEntry{.at = now, .subject = subject});
    Plan plan = impl_->delisting(work, entry, now);
    plan.begin = [&] {
      work.audit = impl_->audit(decision, "delist", subject, std::nullopt, now);
      return true;
    };
    static_cast<void>(impl_->carry_out(work, plan));
    return work.ended;
  });
}

Result<std::uint64_t> Store::exempt(const Prefix& prefix, std::optional<UnixTime> until, const Decision& decision,
                                    UnixTime now, Permission permission) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  if (auto error = too_wide({&prefix, 1}, permission)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> std::uint64_t {
    const std::string subject = prefix.to_string();
    Work work = impl_->unfinished_like(decision, "exempt", subject, until, now);
    if (work.is_stored && !impl_->is_exempt_by(work.audit, prefix, now)) work = {};
    const AuditEntry entry{.subject = subject};
    Plan plan = impl_->exempting(work, entry, now);
    plan.begin = [&] {
      impl_->give_up_exempting(prefix);
      work.audit = impl_->audit(decision, "exempt", subject, until, now);
      Statement(impl_->db,
                "INSERT OR REPLACE INTO exemption (first, length, since, expires_at, audit_id) VALUES (?, ?, ?, ?, ?)")
          .bind(prefix.first().octets(), prefix.length(), seconds(now), seconds(until), work.audit)
          .run();
      impl_->journal({.serial = 0,
                      .at = now,
                      .action = ListingChange::Action::exempted,
                      .prefix = prefix,
                      .source = Source::by_operator,
                      .codes = {},
                      .expires_at = until},
                     work.audit);
      return true;
    };
    static_cast<void>(impl_->carry_out(work, plan));
    return work.ended;
  });
}

void Store::Impl::give_up_exempting(const Prefix& prefix) {
  Statement(db,
            "DELETE FROM unfinished WHERE audit_id IN (SELECT id FROM audit WHERE action = 'exempt' AND subject = ?)")
      .bind(prefix.to_string())
      .run();
}

Result<bool> Store::end_exemption(const Prefix& prefix, const Decision& decision, UnixTime now) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> bool {
    Transaction transaction(impl_->db);
    Statement(impl_->db, "DELETE FROM exemption WHERE first = ? AND length = ?")
        .bind(prefix.first().octets(), prefix.length())
        .run();
    if (impl_->db.changes() == 0) return false;
    impl_->give_up_exempting(prefix);
    const auto audit = impl_->audit(decision, "end-exemption", prefix.to_string(), std::nullopt, now);
    impl_->journal({.serial = 0,
                    .at = now,
                    .action = ListingChange::Action::exemption_ended,
                    .prefix = prefix,
                    .source = Source::by_operator,
                    .codes = {},
                    .expires_at = std::nullopt},
                   audit);
    impl_->set_changes(audit, 1);
    transaction.commit();
    return true;
  });
}

}  // namespace blowback::schema
