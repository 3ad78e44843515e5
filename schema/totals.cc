#include "totals.h"

#include "rows.h"

#include <algorithm>
#include <utility>

namespace blowback::schema {
namespace {

/// Strangers invent recipients in a trap's domain. Above this number of addresses a new one is counted under its domain.
constexpr std::int64_t kMostTraps = 100'000;
/// If no trap is configured, domains can be invented as well. Above this number, everything new is counted together.
constexpr std::int64_t kMostDomains = 2 * kMostTraps;
constexpr const char* kAllOthers = "*";

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
  Statement known(db, "SELECT senders, campaigns FROM trap_sketch WHERE trap = ?");
  Statement put(
      db,
      "INSERT INTO trap_total (trap, incidents, first_at, last_at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
      "incidents = incidents + excluded.incidents, first_at = min(first_at, excluded.first_at), last_at = "
      "max(last_at, excluded.last_at)");
  Statement put_sketch(db,
                       "INSERT INTO trap_sketch (trap, senders, campaigns) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET "
                       "senders = excluded.senders, campaigns = excluded.campaigns");
  // Read once per batch: exceeding the limit by one batch does no harm.
  const auto known_traps = total(db, "traps").value_or(0);
  for (const auto& [address, added] : traps_) {
    using Sketches = std::pair<Distinct, Distinct>;
    const auto read = [&](const std::string& name) {
      return known.bind(name).first(
          [](const Statement& row) { return Sketches(Distinct(row.blob(0)), Distinct(row.blob(1))); });
    };
    std::string name = address;
    auto before = read(name);
    if (!before && known_traps >= kMostTraps) {
      name = witnesses_.at(address);
      before = read(name);
    }
    if (!before && known_traps >= kMostDomains) {
      name = kAllOthers;
      before = read(name);
    }
    put.bind(name, added.incidents, seconds(added.first_at), seconds(added.last_at)).run();
    auto [senders, campaigns] = before.value_or(Sketches{});
    const bool has_more_senders = senders.merge(added.senders);
    const bool has_more_campaigns = campaigns.merge(added.campaigns);
    if (!has_more_senders && !has_more_campaigns) continue;
    put_sketch
        .bind(name, std::span<const std::uint8_t>(senders.octets()), std::span<const std::uint8_t>(campaigns.octets()))
        .run();
  }
}

}  // namespace blowback::schema
