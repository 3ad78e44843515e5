// The operator's verbs: list, delist, exempt. Each leaves a line of audit that its journal entries point to.
#include "store_impl.h"

namespace blowback::schema {

std::optional<StoreError> unfounded(const Decision& decision) {
  if (!decision.who.empty() && !decision.reason.empty()) return std::nullopt;
  return StoreError{StoreError::Code::other, "a decision needs a name and a reason"};
}

namespace {

/// Nothing slips in by a caller that forgot to ask: what the tool refuses is refused here, too.
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

Result<std::uint64_t> Store::list(std::span<const Prefix> prefixes, std::optional<UnixTime> until,
                                  const Decision& decision, UnixTime now, std::string_view imported_from,
                                  Permission permission) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  if (auto error = too_wide(prefixes, permission)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> std::uint64_t {
    Transaction transaction(impl_->db);
    const bool is_import = !imported_from.empty();
    std::string subject(imported_from);
    if (!is_import) {
      subject = prefixes.size() == 1 ? prefixes.front().to_string() : std::to_string(prefixes.size()) + " prefixes";
    }
    const auto audit = impl_->audit(decision, is_import ? "import" : "list", subject, until, now);
    const auto exempt = impl_->exemption_set(now);
    const CodeSet codes = Code::by_operator;
    // A listing that stands as it is asked for stays untouched, with its first reason: importing the same file daily
    // must not write the whole list anew.
    Statement upsert(
        impl_->db,
        "INSERT INTO listing (first, length, source, codes, listed_at, expires_at, audit_id) "
        "VALUES (?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET listed_at = excluded.listed_at, "
        "expires_at = excluded.expires_at, audit_id = excluded.audit_id "
        "WHERE expires_at IS NOT excluded.expires_at OR (SELECT reason FROM audit WHERE id = listing.audit_id) "
        "IS NOT (SELECT reason FROM audit WHERE id = excluded.audit_id)");
    std::uint64_t listed = 0;
    std::uint64_t changed = 0;
    const Prefix* previous = nullptr;
    for (const auto& prefix : prefixes) {
      const bool again = previous != nullptr && *previous == prefix;
      previous = &prefix;
      if (again || exempt.covers(prefix, now)) continue;
      ++listed;
      upsert.bind(prefix.first().octets(), prefix.length(), codes.bits(), seconds(now), seconds(until), audit).run();
      if (impl_->db.changes() == 0) continue;
      ++changed;
      impl_->journal({.serial = 0,
                      .at = now,
                      .action = ListingChange::Action::listed,
                      .prefix = prefix,
                      .source = Source::by_operator,
                      .codes = codes,
                      .expires_at = until},
                     audit);
    }
    impl_->settle(audit, changed);
    transaction.commit();
    return listed;
  });
}

Result<std::uint64_t> Store::delist(const Prefix& prefix, const Decision& decision, UnixTime now,
                                    Permission permission) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  if (auto error = too_wide({&prefix, 1}, permission)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> std::uint64_t {
    const Prefix ended_within = at_least_a_sender(prefix);
    Transaction transaction(impl_->db);
    const auto audit = impl_->audit(decision, "delist", ended_within.to_string(), std::nullopt, now);
    const auto ended = impl_->end_listings(ended_within, audit, now);
    const auto range = keys_of(ended_within);
    // Afresh: what was received until now counts no more. How often the sender was listed stays, and so the next
    // listing lasts longer.
    std::vector<IpAddress> senders;
    Statement standing(impl_->db, "SELECT sender FROM standing WHERE sender BETWEEN ? AND ?");
    standing.bind(range.first, range.last);
    while (standing.step()) {
      const IpAddress sender = address_of(standing, 0);
      if (ended_within.contains(sender)) senders.push_back(sender);
    }
    Statement forget(impl_->db, "UPDATE standing SET score = 0, at = ?, afresh_since = ? WHERE sender = ?");
    Statement forget_parts(impl_->db, "DELETE FROM standing_part WHERE sender = ?");
    for (const auto& sender : senders) {
      forget.bind(seconds(now), seconds(now), sender.octets()).run();
      forget_parts.bind(sender.octets()).run();
    }
    impl_->settle(audit, ended);
    transaction.commit();
    return ended;
  });
}

Result<std::uint64_t> Store::exempt(const Prefix& prefix, std::optional<UnixTime> until, const Decision& decision,
                                    UnixTime now, Permission permission) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  if (auto error = too_wide({&prefix, 1}, permission)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> std::uint64_t {
    Transaction transaction(impl_->db);
    const auto audit = impl_->audit(decision, "exempt", prefix.to_string(), until, now);
    Statement(impl_->db,
              "INSERT OR REPLACE INTO exemption (first, length, since, expires_at, audit_id) VALUES (?, ?, ?, ?, ?)")
        .bind(prefix.first().octets(), prefix.length(), seconds(now), seconds(until), audit)
        .run();
    impl_->journal({.serial = 0,
                    .at = now,
                    .action = ListingChange::Action::exempted,
                    .prefix = prefix,
                    .source = Source::by_operator,
                    .codes = {},
                    .expires_at = until},
                   audit);
    const auto ended = impl_->end_listings(prefix, audit, now);
    impl_->settle(audit, ended + 1);
    transaction.commit();
    return ended;
  });
}

Result<bool> Store::end_exemption(const Prefix& prefix, const Decision& decision, UnixTime now) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> bool {
    Transaction transaction(impl_->db);
    Statement(impl_->db, "DELETE FROM exemption WHERE first = ? AND length = ?")
        .bind(prefix.first().octets(), prefix.length())
        .run();
    if (impl_->db.changes() == 0) return false;
    const auto audit = impl_->audit(decision, "end-exemption", prefix.to_string(), std::nullopt, now);
    impl_->journal({.serial = 0,
                    .at = now,
                    .action = ListingChange::Action::exemption_ended,
                    .prefix = prefix,
                    .source = Source::by_operator,
                    .codes = {},
                    .expires_at = std::nullopt},
                   audit);
    impl_->settle(audit, 1);
    transaction.commit();
    return true;
  });
}

}  // namespace blowback::schema
