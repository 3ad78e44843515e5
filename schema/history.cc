// The record in the order of time: what was decided and what was received, for whoever goes through it once more.
#include "store_impl.h"

#include <algorithm>
#include <limits>

namespace blowback::schema {
namespace {

/// Only what scoring and counting look at: a hundred thousand of them in well under a second. Later times are given as `latest`.
void visit_incidents(const Connection& db, std::optional<UnixTime> since, UnixTime latest,
                     const std::function<void(const Incident&)>& visit) {
  // The index is in the order that is wanted; without the word SQLite may prefer to sort the whole table in memory.
  Statement rows(db,
                 "SELECT received_at, client, trap, kind, confidence, campaign FROM incident INDEXED BY "
                 "incident_by_time WHERE received_at >= ? ORDER BY received_at, id");
  rows.bind(since ? seconds(*since) : std::numeric_limits<std::int64_t>::min());
  Incident incident;
  while (rows.step()) {
    incident.received_at = std::min(time_of(rows.integer(0)), latest);
    incident.client = address_of(rows, 1);
    incident.trap = rows.text(2);
    incident.kind = static_cast<Kind>(rows.integer(3));
    incident.confidence = rows.real(4);
    incident.campaign = rows.text(5);
    visit(incident);
  }
}

[[nodiscard]] std::optional<PastDecision::Action> bearing_on_standings(const std::string& action) {
  if (action == "delist") return PastDecision::Action::delisted;
  if (action == "exempt") return PastDecision::Action::exempted;
  if (action == "end-exemption") return PastDecision::Action::exemption_ended;
  return std::nullopt;
}

}  // namespace

std::vector<PastDecision> Store::Impl::past_decisions(UnixTime now) {
  std::vector<PastDecision> decisions;
  Statement rows(db,
                 "SELECT at, action, subject, until FROM audit WHERE action IN ('delist', 'exempt', 'end-exemption') "
                 "AND id NOT IN (SELECT undoes FROM audit WHERE undoes IS NOT NULL) ORDER BY id");
  while (rows.step()) {
    const auto action = bearing_on_standings(rows.text(1));
    const auto prefix = Prefix::parse(rows.text(2));
    if (!action || !prefix) throw SqlFailure(SQLITE_CORRUPT, "a decision on something that is no prefix");
    decisions.push_back({.at = unless_ahead(time_of(rows.integer(0)), now),
                         .action = *action,
                         .prefix = *prefix,
                         .until = optional_time(rows, 3)});
  }
  std::ranges::stable_sort(decisions, {}, &PastDecision::at);
  return decisions;
}

Result<void> Store::history(UnixTime now, const HistoryVisitor& visitor) {
  return attempt(impl_->path, [&] {
    const ReadTransaction one_state(impl_->db);
    for (const auto& decision : impl_->past_decisions(now)) visitor.decision(decision);
    visit_incidents(impl_->db, std::nullopt, now + kSurelyAhead, visitor.incident);
    Statement rows(
        impl_->db,
        "SELECT s.score, s.at, s.times_listed, s.listed_at, s.listed_until, s.afresh_since, s.sender, "
        "l.first, l.length, l.source, l.codes, l.listed_at, l.expires_at FROM standing s LEFT JOIN listing l "
        "ON l.first = s.sender AND l.source = 0 AND (l.expires_at IS NULL OR l.expires_at > ?) "
        "ORDER BY s.sender");
    rows.bind(seconds(now));
    while (rows.step()) {
      const Standing standing = standing_of(rows, sender_of(address_of(rows, 6)));
      visitor.standing(standing, rows.is_null(7) ? std::nullopt : std::optional(listing_of(rows, 7)));
    }
  });
}

Result<void> Store::for_each_incident(UnixTime since, const std::function<void(const Incident&)>& visit) {
  return attempt(impl_->path, [&] {
    const ReadTransaction one_state(impl_->db);
    visit_incidents(impl_->db, since, UnixTime::max(), visit);
  });
}

}  // namespace blowback::schema
