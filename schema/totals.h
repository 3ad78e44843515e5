// Totals, updated in the transactions that change what they count, so that queries don't count rows.
//
// The rows of `total`:
//   senders, traps, quarantine, quarantine_octets   by triggers
//   removals_pending, _done, _refused        requests for removal: pending now, and ever decided; by triggers
//   incidents                                recorded, including those that have expired
//   next_number                              the number of the next incident
//   rolled_up                                incidents up to this number are in top_of_day
//   journal_from                             the journal is complete from this serial on; absent: all of it
//   upkeep_time      the time at which data expired last; likewise upkeep_boot, upkeep_awake, upkeep_waits (UpkeepClock)
//   evidence_since                           evidence is kept from this recorded_at on; absent: all of it
//   incidents_cut    incidents before this time were removed for lack of space; absent: none
//   incidents_since                          incidents are kept from this received_at on; absent: all of them
#pragma once

#include "blowback/incident.h"
#include "distinct.h"
#include "sqlite.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::schema {

[[nodiscard]] std::optional<std::int64_t> total(Connection& db, std::string_view name);
void set_total(Connection& db, std::string_view name, std::int64_t value);

/// Collects what the incidents of a transaction add; written once at its end.
class Totals {
 public:
  void count(const Incident& incident);
  /// Requires the transaction.
  void write(Connection& db) const;

 private:
  struct Trap {
    std::uint64_t incidents = 0;
    UnixTime first_at{};
    UnixTime last_at{};
    Distinct senders;
    Distinct campaigns;
  };
  std::array<std::uint64_t, 6> by_kind_{};
  std::map<std::string, Trap> traps_;  ///< by address, or by witness: see totals.cc
  std::map<std::string, std::string> witnesses_;
};

}  // namespace blowback::schema
