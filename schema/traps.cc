// Traps: which are hit and how often, and which the operator has retired.
#include "store_impl.h"

namespace blowback::schema {

Result<std::vector<TrapRecord>> Store::traps() {
  return attempt(impl_->path, [&]() -> std::vector<TrapRecord> {
    std::vector<TrapRecord> traps;
    Statement rows(impl_->db,
                   "WITH hit AS (SELECT trap, count(*) AS incidents, count(DISTINCT sender) AS senders, "
                   "count(DISTINCT campaign) AS campaigns, min(received_at) AS first_at, max(received_at) AS last_at "
                   "FROM incident GROUP BY trap) "
                   "SELECT hit.trap, incidents, senders, campaigns, first_at, last_at, since, reason FROM hit "
                   "LEFT JOIN retired_trap r ON r.trap = hit.trap LEFT JOIN audit ON audit.id = audit_id "
                   "UNION ALL SELECT r.trap, 0, 0, 0, NULL, NULL, since, reason FROM retired_trap r "
                   "JOIN audit ON audit.id = audit_id WHERE r.trap NOT IN (SELECT trap FROM hit) ORDER BY 1");
    while (rows.step()) {
      const auto number = [&](int column) { return static_cast<std::uint64_t>(rows.integer(column)); };
      traps.push_back({.address = rows.text(0),
                       .incidents = number(1),
                       .senders = number(2),
                       .campaigns = number(3),
                       .first_at = optional_time(rows, 4),
                       .last_at = optional_time(rows, 5),
                       .retired_since = optional_time(rows, 6),
                       .reason = rows.is_null(7) ? std::string() : rows.text(7)});
    }
    return traps;
  });
}

Result<bool> Store::retire_trap(std::string_view address, const Decision& decision, UnixTime now) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> bool {
    Transaction transaction(impl_->db);
    const auto audit = impl_->audit(decision, "retire-trap", std::string(address), std::nullopt, now);
    if (!impl_->put_retired(address, now, audit)) return false;
    impl_->settle(audit, 1);
    transaction.commit();
    return true;
  });
}

Result<bool> Store::restore_trap(std::string_view address, const Decision& decision, UnixTime now) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> bool {
    Transaction transaction(impl_->db);
    if (!impl_->remove_retired(address)) return false;
    const auto audit = impl_->audit(decision, "restore-trap", std::string(address), std::nullopt, now);
    impl_->settle(audit, 1);
    transaction.commit();
    return true;
  });
}

bool Store::Impl::put_retired(std::string_view address, UnixTime now, std::int64_t audit_id) {
  Statement(db, "INSERT INTO retired_trap (trap, since, audit_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(address, seconds(now), audit_id)
      .run();
  return db.changes() > 0;
}

bool Store::Impl::remove_retired(std::string_view address) {
  Statement(db, "DELETE FROM retired_trap WHERE trap = ?").bind(address).run();
  return db.changes() > 0;
}

}  // namespace blowback::schema
