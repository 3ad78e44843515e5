// Converts incidents of the former format to the tables of this one, in slices, oldest first.
//
// Millions of rows can't be rewritten while a mail server waits for its reply. So a migration only creates the new tables; new incidents are
// written there, digests are looked up in both, and the old rows are moved when there is time. A row is removed from the former table in
// the transaction that writes it to the new ones, so that after a kill each incident is there exactly once.
#include "blowback/text.h"
#include "retention.h"
#include "totals.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace blowback::schema {
namespace {

/// Each takes about 20 µs.
constexpr std::int64_t kAtOnce = 1'000;

constexpr const char* kFormerColumns =
    "id, digest, credit, confidence, kind, cause, reverse_path, relayed, doubtful_boundary, claims_trap, "
    "could_have_known, "
    "mailbox_exists, received_at, client, feed, trap, witness, campaign, origin, mailbox, helo, reporting_mta, "
    "product, "
    "queue_id, message_id, subject, first_received, size, signals";

[[nodiscard]] Incident former_incident(const Statement& row) {
  Incident incident;
  int column = 1;
  incident.digest = hex(row.blob(column++));
  incident.credit = row.real(column++);
  incident.confidence = row.real(column++);
  incident.kind = static_cast<Kind>(row.integer(column++));
  incident.cause = static_cast<Cause>(row.integer(column++));
  incident.reverse_path = static_cast<ReversePath>(row.integer(column++));
  incident.relayed = static_cast<Relayed>(row.integer(column++));
  incident.doubtful_boundary = row.integer(column++) != 0;
  incident.claims_trap = row.integer(column++) != 0;
  incident.could_have_known = row.integer(column++) != 0;
  incident.mailbox_exists = row.integer(column++) != 0;
  incident.received_at = time_of(row.integer(column++));
  incident.client = address_of(row, column++);
  for (auto* const text : {&incident.feed, &incident.trap, &incident.witness, &incident.campaign, &incident.origin,
                           &incident.mailbox, &incident.helo, &incident.reporting_mta, &incident.product,
                           &incident.queue_id, &incident.message_id, &incident.subject, &incident.first_received}) {
    *text = row.text(column++);
  }
  incident.size = static_cast<std::uint64_t>(row.integer(column++));
  incident.signals = signals_of(row.text(column));
  // Formats before the third had no witnesses; scores began again with the third.
  if (incident.witness.empty()) {
    const auto at = incident.trap.find('@');
    incident.witness = at == std::string::npos ? incident.trap : incident.trap.substr(at);
    incident.credit = 0;
  }
  return incident;
}

}  // namespace

bool Store::Impl::has_former_incidents() {
  return db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'former_incident'") != 0;
}

std::optional<StoreError> Store::Impl::still_converting() {
  auto found = attempt(path, [&] { return has_former_incidents(); });
  if (!found) return std::move(found.error());
  if (!*found) return std::nullopt;
  return StoreError{
      StoreError::Code::busy,
      path +
          ": incidents of the former format are still being moved, which this needs all of; wait until "
          "blowback-ingest is done with it (`blowback stats` tells how many are left), or run `blowback db migrate`"};
}

std::uint64_t convert_slice(Store::Impl& impl, UnixTime now, const Retention& retention) {
  Connection& db = impl.db;
  Transaction transaction(db);
  if (!impl.has_former_incidents()) return 0;
  std::vector<std::pair<std::int64_t, Incident>> slice;
  {
    Statement rows(db, std::string("SELECT ") + kFormerColumns + " FROM former_incident ORDER BY id LIMIT ?");
    rows.bind(kAtOnce);
    while (rows.step()) slice.emplace_back(rows.integer(0), former_incident(rows));
  }
  if (slice.empty()) {
    db.run("DROP TABLE former_incident");
    transaction.commit();
    return 0;
  }
  Statement incident_row(db, kPutIncident);
  Statement evidence_row(db, kPutEvidence);
  Totals totals;
  std::map<IpAddress, std::uint64_t> by_sender;
  for (const auto& [number, incident] : slice) {
    put_incident(incident_row, incident, accusation_of(incident), short_digest(incident.digest), number);
    if (incident.received_at >= now - retention.evidence) {
      put_evidence(evidence_row, incident, number, incident.received_at);
    }
    totals.count(incident);
    ++by_sender[sender_of(incident.client).first()];
  }
  totals.write(db);
  Statement standing(db, "UPDATE standing SET incidents = incidents + ? WHERE sender = ?");
  for (const auto& [sender, incidents] : by_sender) standing.bind(incidents, sender.octets()).run();
  Statement(db, "DELETE FROM former_incident WHERE id <= ?").bind(slice.back().first).run();
  transaction.commit();
  return slice.size();
}

}  // namespace blowback::schema
