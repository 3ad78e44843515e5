// Queries: a sender's dossier, listings, the audit, totals. Nothing here writes.
#include "blowback/text.h"
#include "store_impl.h"
#include "totals.h"

#include <algorithm>

namespace blowback::schema {
namespace {

constexpr std::int64_t kMostParts = 1'000;
constexpr std::int64_t kMostHistory = 1'000;

[[nodiscard]] std::vector<Part> parts(const Connection& db, const Prefix& sender, Dimension dimension) {
  std::vector<Part> found;
  Statement rows(db,
                 "SELECT key, amount, at, last_at, incidents FROM standing_part WHERE sender = ? AND dimension = ? "
                 "ORDER BY last_at DESC, key LIMIT ?");
  rows.bind(sender.first().octets(), static_cast<int>(dimension), kMostParts);
  while (rows.step()) {
    std::string label = rows.text(0);
    found.push_back({.key = part_key(label),
                     .label = std::move(label),
                     .sum = {.amount = rows.real(1), .at = time_of(rows.integer(2))},
                     .last_at = time_of(rows.integer(3)),
                     .incidents = static_cast<std::uint64_t>(rows.integer(4))});
  }
  return found;
}

/// Sorts before it fetches the evidence, so that the texts of a sender with a hundred thousand incidents aren't sorted, too.
[[nodiscard]] std::vector<Incident> newest_incidents(const Connection& db, const IpAddress::Octets& sender,
                                                     std::size_t most) {
  std::vector<Incident> found;
  const std::string sql = std::string("SELECT ") + kAccusationColumns +
                          ", credit, number FROM incident WHERE sender = ? " +
                          "ORDER BY received_at DESC, number DESC LIMIT ?";
  Statement incidents(db, sql);
  Statement evidence(db, std::string("SELECT ") + kEvidenceColumns + " FROM evidence WHERE number = ?");
  incidents.bind(sender, most);
  while (incidents.step()) {
    constexpr int kCredit = kAccusationColumnCount;
    const Accusation accusation = accusation_of(incidents);
    Incident incident = evidence.bind(incidents.integer(kCredit + 1))
                            .first([](const Statement& row) { return incident_of(row, 0); })
                            .value_or(incident_without_evidence(accusation, incidents.integer(3)));
    incident.keys = accusation.keys;
    incident.number = static_cast<std::uint64_t>(incidents.integer(kCredit + 1));
    incident.credit = incidents.real(kCredit);
    incident.confidence = incidents.real(4);
    found.push_back(std::move(incident));
  }
  return found;
}

[[nodiscard]] Checked::One checked(const Connection& db, const IpAddress& address, UnixTime now) {
  Checked::One one;
  if (is_exempt(db, address, now)) return one;
  bool has_no_end = false;
  for (const auto& listing : listings_around(db, address)) {
    if (!listing.in_force(now)) continue;
    one.codes |= listing.codes;
    has_no_end |= !listing.expires_at;
    if (listing.expires_at) one.until = std::max(one.until.value_or(*listing.expires_at), *listing.expires_at);
  }
  if (has_no_end) one.until.reset();
  return one;
}

/// The changes of every prefix that covers `address`, newest first. Decisions that were undone are left out; the changes that their undo made
/// are included.
[[nodiscard]] std::vector<ListingChange> history_around(const Connection& db, const IpAddress& address) {
  std::vector<ListingChange> found;
  Statement rows(db, std::string("SELECT ") + kChangeColumns +
                         " FROM listing_change WHERE first = ? AND length = ? AND (audit_id IS NULL OR audit_id NOT IN "
                         "(SELECT undoes FROM audit WHERE undoes IS NOT NULL)) ORDER BY serial DESC LIMIT ?");
  for (int length = 0; length <= address.bits(); ++length) {
    const Prefix prefix = Prefix::covering(address, length);
    rows.bind(prefix.first().octets(), length, kMostHistory);
    while (rows.step()) found.push_back(change_of(rows));
  }
  std::ranges::sort(found, std::ranges::greater{}, &ListingChange::serial);
  return found;
}

}  // namespace

std::vector<Listing> listings_around(const Connection& db, const IpAddress& address) {
  std::vector<Listing> found;
  Statement rows(db, std::string("SELECT ") + kListingColumns +
                         ", coalesce((SELECT reason FROM audit WHERE id = audit_id), '') FROM listing "
                         "WHERE first = ? AND length = ? ORDER BY source");
  for (int length = 0; length <= address.bits(); ++length) {
    const Prefix prefix = Prefix::covering(address, length);
    rows.bind(prefix.first().octets(), length);
    while (rows.step()) {
      found.push_back(listing_of(rows, 0));
      found.back().reason = rows.text(6);
    }
  }
  return found;
}

bool is_exempt(const Connection& db, const IpAddress& address, UnixTime now) {
  Statement rows(db,
                 "SELECT 1 FROM exemption WHERE first = ? AND length = ? AND (expires_at IS NULL OR expires_at > ?)");
  for (int length = 0; length <= address.bits(); ++length) {
    const Prefix prefix = Prefix::covering(address, length);
    rows.bind(prefix.first().octets(), length, seconds(now));
    if (rows.first([](const Statement&) { return true; })) return true;
  }
  return false;
}

Result<Dossier> Store::dossier(const IpAddress& address, std::size_t most_incidents, std::optional<UnixTime> now) {
  return attempt(impl_->path, [&]() -> Dossier {
    const ReadTransaction one_state(impl_->db);
    Dossier dossier;
    dossier.asked = address;
    dossier.sender = sender_of(address);
    if (now) dossier.serial = impl_->zone_state(*now).serial();
    const auto& key = dossier.sender.first().octets();
    dossier.standing =
        Statement(impl_->db, std::string("SELECT ") + kStandingColumns + " FROM standing WHERE sender = ?")
            .bind(key)
            .first([&](const Statement& row) { return standing_of(row, dossier.sender); });
    dossier.listings = listings_around(impl_->db, address);
    for (auto& exemption : impl_->exemptions_in_force(UnixTime::min())) {
      if (exemption.prefix.contains(address)) dossier.exemptions.push_back(std::move(exemption));
    }
    dossier.incidents_in_all =
        Statement(impl_->db, "SELECT incidents FROM standing WHERE sender = ?")
            .bind(key)
            .first([](const Statement& row) { return static_cast<std::uint64_t>(row.integer(0)); })
            .value_or(0);
    dossier.incidents_since = Statement(impl_->db, "SELECT horizon FROM standing_at_horizon WHERE sender = ?")
                                  .bind(key)
                                  .first([](const Statement& row) { return time_of(row.integer(0)); });
    if (const auto since = total(impl_->db, "evidence_since")) dossier.evidence_since = time_of(*since);
    dossier.is_converting = impl_->has_former_incidents();
    dossier.incidents = newest_incidents(impl_->db, key, most_incidents);
    dossier.witnesses = parts(impl_->db, dossier.sender, Dimension::witness);
    dossier.campaigns = parts(impl_->db, dossier.sender, Dimension::campaign);
    dossier.kinds = parts(impl_->db, dossier.sender, Dimension::kind);
    dossier.origins = parts(impl_->db, dossier.sender, Dimension::origin);
    dossier.mailboxes = parts(impl_->db, dossier.sender, Dimension::mailbox);
    dossier.history = history_around(impl_->db, address);
    return dossier;
  });
}

Result<CodeSet> Store::check(const IpAddress& address, UnixTime now) {
  return attempt(impl_->path, [&]() -> CodeSet {
    const ReadTransaction one_state(impl_->db);
    return checked(impl_->db, address, now).codes;
  });
}

Result<Checked> Store::check_all(std::span<const IpAddress> addresses, UnixTime now) {
  return attempt(impl_->path, [&]() -> Checked {
    const ReadTransaction one_state(impl_->db);
    Checked result{.serial = impl_->zone_state(now).serial()};
    result.all.reserve(addresses.size());
    for (const auto& address : addresses) result.all.push_back(checked(impl_->db, address, now));
    return result;
  });
}

Result<NetworkState> Store::network(const Prefix& network, std::size_t most, UnixTime now) {
  return attempt(impl_->path, [&]() -> NetworkState {
    const ReadTransaction one_state(impl_->db);
    NetworkState state{.serial = impl_->zone_state(now).serial()};
    for (auto& listing : listings_around(impl_->db, network.first())) {
      if (listing.in_force(now) && listing.prefix.contains(network)) state.around.push_back(std::move(listing));
    }
    Statement rows(impl_->db,
                   std::string("SELECT ") + kListingColumns +
                       " FROM listing WHERE first BETWEEN ? AND ? AND (expires_at IS NULL OR expires_at > ?) "
                       "ORDER BY first, length, source");
    const auto keys = keys_of(network);
    rows.bind(keys.first, keys.last, seconds(now));
    while (!state.more_within && rows.step()) {
      auto listing = listing_of(rows, 0);
      // Wider ones begin at the same address.
      if (!network.contains(listing.prefix) || listing.prefix == network) continue;
      state.more_within = state.within.size() == most;
      if (!state.more_within) state.within.push_back(std::move(listing));
    }
    for (auto& exemption : impl_->exemptions_in_force(now)) {
      const bool concerns_it = exemption.prefix.contains(network) || network.contains(exemption.prefix);
      if (concerns_it && state.exempt.size() < most) {
        state.exempt.push_back(std::move(exemption));
      }
    }
    return state;
  });
}

Result<std::vector<ListDay>> Store::days_of_list(UnixTime since, UnixTime now) {
  return attempt(impl_->path, [&]() -> std::vector<ListDay> {
    const auto first = day_of(since);
    const auto last = day_of(now);
    std::vector<ListDay> days;
    for (auto day = first; day <= last; ++day) days.push_back({.day = UnixTime(std::chrono::days(day))});
    Statement rows(impl_->db, "SELECT day, action, codes, changes FROM change_of_day WHERE day BETWEEN ? AND ?");
    rows.bind(first, last);
    while (rows.step()) {
      auto& day = days.at(static_cast<std::size_t>(rows.integer(0) - first));
      const auto changes = static_cast<std::uint64_t>(rows.integer(3));
      switch (static_cast<ListingChange::Action>(rows.integer(1))) {
        case ListingChange::Action::listed: {
          day.listings += changes;
          const auto codes = CodeSet::from_bits(static_cast<std::uint32_t>(rows.integer(2)));
          for (const Code code : kAllCodes) {
            if (codes.has(code)) day.listed.at(static_cast<std::size_t>(code)) += changes;
          }
          break;
        }
        case ListingChange::Action::expired:
          day.expired += changes;
          break;
        case ListingChange::Action::delisted:
          day.delisted += changes;
          break;
        case ListingChange::Action::prolonged:
        case ListingChange::Action::exempted:
        case ListingChange::Action::exemption_ended:
          break;
      }
    }
    return days;
  });
}

Result<std::vector<Exemption>> Store::exemptions(UnixTime now) {
  return attempt(impl_->path, [&] { return impl_->exemptions_in_force(now); });
}

Result<std::vector<Quarantined>> Store::quarantined(std::size_t most) {
  return attempt(impl_->path, [&]() -> std::vector<Quarantined> {
    std::vector<Quarantined> things;
    Statement rows(impl_->db,
                   "SELECT digest, feed, at, place, reason, detail, bytes FROM quarantine ORDER BY id DESC LIMIT ?");
    rows.bind(most);
    while (rows.step()) {
      const auto bytes = rows.blob(6);
      things.push_back({.digest = hex(rows.blob(0)),
                        .feed = rows.text(1),
                        .at = time_of(rows.integer(2)),
                        .where = rows.text(3),
                        .reason = rows.text(4),
                        .detail = rows.text(5),
                        .bytes = std::string(bytes.begin(), bytes.end())});
    }
    return things;
  });
}

Result<Stats> Store::stats(UnixTime now) {
  return attempt(impl_->path, [&]() -> Stats {
    const ReadTransaction one_state(impl_->db);
    Connection& db = impl_->db;
    Stats stats;
    stats.serial = impl_->zone_state(now).serial();
    const auto sum = [&](std::string_view name) { return static_cast<std::uint64_t>(total(db, name).value_or(0)); };
    stats.incidents = sum("incidents");
    stats.senders = sum("senders");
    stats.quarantined = sum("quarantine");
    stats.quarantine_octets = sum("quarantine_octets");
    stats.traps = sum("traps");
    stats.exemptions = impl_->exemptions_in_force(now).size();
    Statement kinds(db, "SELECT kind, incidents FROM kind_total");
    while (kinds.step()) {
      stats.incidents_by_kind.at(static_cast<std::size_t>(kinds.integer(0))) =
          static_cast<std::uint64_t>(kinds.integer(1));
    }
    const auto add = [&](Source source, std::uint32_t bits, std::int64_t listings) {
      const auto count =
          static_cast<std::uint64_t>(listings);  // a negative number wraps around; the sum is right again
      (source == Source::automatic ? stats.listings_automatic : stats.listings_by_operator) += count;
      const auto codes = CodeSet::from_bits(bits);
      for (const Code code : kAllCodes) {
        if (codes.has(code)) stats.listings_by_code[static_cast<std::size_t>(code)] += count;
      }
    };
    Statement listings(db, "SELECT source, codes, listings FROM listing_total");
    while (listings.step()) {
      add(static_cast<Source>(listings.integer(0)), static_cast<std::uint32_t>(listings.integer(1)),
          listings.integer(2));
    }
    // Those that have ended but aren't removed yet: few, since ingest removes them every ten seconds.
    Statement ended(db, "SELECT source, codes, count(*) FROM listing WHERE expires_at <= ? GROUP BY source, codes");
    ended.bind(seconds(now));
    while (ended.step()) {
      add(static_cast<Source>(ended.integer(0)), static_cast<std::uint32_t>(ended.integer(1)), -ended.integer(2));
    }
    stats.removals = removal_counts_of(db);
    stats.kept = impl_->kept(now);
    Statement feeds(db,
                    "SELECT feed, last_delivery, deliveries, incidents, duplicates, not_backscatter, not_a_trap, "
                    "quarantined, uncounted, unknown_reverse_path FROM feed_position ORDER BY feed");
    while (feeds.step()) {
      const auto number = [&](int column) { return static_cast<std::uint64_t>(feeds.integer(column)); };
      stats.feeds.push_back({.name = feeds.text(0),
                             .counts = {.deliveries = number(2),
                                        .incidents = number(3),
                                        .uncounted = number(8),
                                        .unknown_reverse_path = number(9),
                                        .duplicates = number(4),
                                        .not_backscatter = number(5),
                                        .not_a_trap = number(6),
                                        .quarantined = number(7)},
                             .last_delivery = optional_time(feeds, 1)});
    }
    return stats;
  });
}

}  // namespace blowback::schema
