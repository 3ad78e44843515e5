// Totals over all time, maintained in the transactions that change what they count, so that no question counts rows.
//
// The rows of `total`:
//   senders, traps, quarantine, quarantine_octets   by triggers
//   incidents                                recorded, whether or not they are still kept
//   next_number                              the next incident's
//   rolled_up                                up to which number incidents stand in top_of_day
//   journal_from                             the first serial from which the journal is complete; absent: all of it is
//   upkeep_time      by which time things expired last; likewise upkeep_boot, upkeep_awake, upkeep_waits (UpkeepClock)
//   evidence_since                           from when on evidence is kept, by recorded_at; absent: all of it is
//   incidents_cut    before which incidents went for want of room; absent: before none
//   incidents_since                          from when on incidents are kept, by received_at; absent: all of them are
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

/// What a transaction's incidents add; written once at its end.
class Totals {
 public:
  void count(const Incident& incident);
  /// Within the transaction.
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
  std::map<std::string, Trap>
      traps_;  ///< by address; what has none of its own is counted under its witness, see totals.cc
  std::map<std::string, std::string> witnesses_;
};

}  // namespace blowback::schema
