// Adding up.
#include "totals.h"

#include "rows.h"

#include <algorithm>

namespace blowback::schema {
namespace {

/// Strangers invent recipients in a trap's domain. Beyond so many addresses a new one is counted under the domain.
constexpr std::int64_t kMostTraps = 100'000;

[[nodiscard]] PartKey key_of(const IpAddress& address) {
  const auto& octets = address.octets();
  return part_key({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

}  // namespace

std::optional<std::int64_t> total(Connection& db, std::string_view name) {
  return Statement(db, "SELECT value FROM total WHERE name = ?").bind(name).first([](const Statement& row) {
    return row.integer(0);
  });
}

void set_total(Connection& db, std::string_view name, std::int64_t value) {
  Statement(db, "INSERT INTO total (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
      .bind(name, value)
      .run();
}

void Totals::count(const Incident& incident) {
  ++by_kind_.at(static_cast<std::size_t>(incident.kind));
  Trap& trap = traps_[incident.trap];
  if (trap.incidents++ == 0) {
    trap.first_at = trap.last_at = incident.received_at;
    witnesses_.try_emplace(incident.trap, incident.witness);
  }
  trap.first_at = std::min(trap.first_at, incident.received_at);
  trap.last_at = std::max(trap.last_at, incident.received_at);
  trap.senders.add(key_of(sender_of(incident.client).first()));
  trap.campaigns.add(part_key(incident.campaign));
}

void Totals::write(Connection& db) const {
  std::uint64_t incidents = 0;
  Statement kind(
      db,
      "INSERT INTO kind_total (kind, incidents) VALUES (?, ?) ON CONFLICT DO UPDATE SET incidents = incidents "
      "+ excluded.incidents");
  for (std::size_t i = 0; i < by_kind_.size(); ++i) {
    incidents += by_kind_[i];
    if (by_kind_[i] > 0) kind.bind(i, by_kind_[i]).run();
  }
  if (incidents == 0) return;
  Statement(db, "UPDATE total SET value = value + ? WHERE name = 'incidents'").bind(incidents).run();
  Statement known(db, "SELECT incidents, first_at, last_at, senders, campaigns FROM trap_total WHERE trap = ?");
  Statement put(
      db,
      "INSERT INTO trap_total (trap, incidents, first_at, last_at, senders, campaigns) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT DO UPDATE SET incidents = excluded.incidents, first_at = excluded.first_at, last_at = "
      "excluded.last_at, senders = excluded.senders, campaigns = excluded.campaigns");
  // Read once: an overshoot by one batch does no harm.
  const bool is_full = total(db, "traps").value_or(0) >= kMostTraps;
  for (const auto& [address, added] : traps_) {
    const auto read = [&](const std::string& name) {
      return known.bind(name).first([](const Statement& row) {
        return Trap{.incidents = static_cast<std::uint64_t>(row.integer(0)),
                    .first_at = time_of(row.integer(1)),
                    .last_at = time_of(row.integer(2)),
                    .senders = Distinct(row.blob(3)),
                    .campaigns = Distinct(row.blob(4))};
      });
    };
    std::string name = address;
    auto before = read(name);
    if (!before && is_full) {
      name = witnesses_.at(address);
      before = read(name);
    }
    Trap sum = before.value_or(
        Trap{.incidents = 0, .first_at = added.first_at, .last_at = added.last_at, .senders = {}, .campaigns = {}});
    sum.incidents += added.incidents;
    sum.first_at = std::min(sum.first_at, added.first_at);
    sum.last_at = std::max(sum.last_at, added.last_at);
    sum.senders.merge(added.senders);
    sum.campaigns.merge(added.campaigns);
    put.bind(name, sum.incidents, seconds(sum.first_at), seconds(sum.last_at),
             std::span<const std::uint8_t>(sum.senders.octets()), std::span<const std::uint8_t>(sum.campaigns.octets()))
        .run();
  }
}

}  // namespace blowback::schema
