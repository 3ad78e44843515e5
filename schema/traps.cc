// Traps: how often they were hit, and which ones the operator has retired.
#include "distinct.h"
#include "store_impl.h"

namespace blowback::schema {

Result<std::vector<TrapRecord>> Store::traps() {
  return attempt(impl_->path, [&]() -> std::vector<TrapRecord> {
    std::vector<TrapRecord> traps;
    Statement rows(
        impl_->db,
        "SELECT t.trap, t.incidents, s.senders, s.campaigns, t.first_at, t.last_at, r.since, a.reason FROM "
        "trap_total t JOIN trap_sketch s ON s.trap = t.trap LEFT JOIN retired_trap r ON r.trap = t.trap LEFT JOIN "
        "audit a ON a.id = r.audit_id "
        "UNION ALL SELECT r.trap, 0, x'', x'', NULL, NULL, r.since, a.reason FROM retired_trap r JOIN audit a "
        "ON a.id = r.audit_id WHERE r.trap NOT IN (SELECT trap FROM trap_total) ORDER BY 1");
    while (rows.step()) {
      traps.push_back({.address = rows.text(0),
                       .incidents = static_cast<std::uint64_t>(rows.integer(1)),
                       .senders = Distinct(rows.blob(2)).count(),
                       .campaigns = Distinct(rows.blob(3)).count(),
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
    impl_->set_changes(audit, 1);
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
    impl_->set_changes(audit, 1);
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
