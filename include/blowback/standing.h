// How a sender stands: sums that fade, kept as (amount, as of when) and faded when read, so no job ever rewrites rows.
//
// These are the values; the rules that move them are ingest/score.
#pragma once

#include "blowback/kind.h"
#include "blowback/listing.h"
#include "blowback/prefix.h"
#include "blowback/unix_time.h"

#include <optional>

namespace blowback {

/// An amount as it was at a time; it halves every `Policy::half_life`.
struct FadingSum {
  double amount = 0;
  UnixTime at{};
};

/// The sum as it is at `now`. Pure. For `now <= sum.at` it returns the amount unchanged, so that a clock stepped back
/// can't raise a score. Requires half_life > 0s.
[[nodiscard]] double faded(const FadingSum& sum, UnixTime now, Duration half_life);

/// Likewise of a part of a standing, of which nothing is left at `sum.at + forgotten_after`
/// (Policy::parts_forgotten_after). Pure.
[[nodiscard]] double faded_part(const FadingSum& sum, UnixTime now, Duration half_life, Duration forgotten_after);

struct Standing {
  Prefix sender;
  FadingSum score;
  /// How many times the sender was listed so far, the present time included; forgotten once the score is next to nothing.
  int times_listed = 0;
  /// The latest automatic listing, from and until, also when that has passed and was swept up. Absent: there was none, or
  /// the operator ended it.
  std::optional<UnixTime> listed_at;
  std::optional<UnixTime> listed_until;
  /// The operator delisted it then: what was received up to that second counts no more.
  std::optional<UnixTime> afresh_since;
};

/// What the store knows of a sender when an incident comes in: all that scoring may look at. Of no time after that.
struct Ledger {
  Standing standing;
  FadingSum by_witness;   ///< what this incident's witness has standing against the sender
  FadingSum by_campaign;  ///< likewise its campaign
  FadingSum by_kind;      ///< likewise its kind
  FadingSum by_origin;    ///< likewise its origin, see origin_key in incident.h
  FadingSum by_mailbox;   ///< likewise its mailbox; nothing where it has none
  /// *Other* witnesses that reported within `Policy::memory()` before this incident, counted up to `distinct_traps`.
  int witnesses = 0;
  int campaigns = 0;  ///< likewise campaigns
  CodeSet codes;      ///< kinds that were seen within `Policy::memory()` before this incident
  /// An exemption covers the sender: it is counted, never listed.
  bool exempt = false;
};

/// What one incident makes of it.
struct Assessment {
  double credit = 0;  ///< what the incident adds, at its `received_at`
  Standing standing;
  FadingSum by_witness;
  FadingSum by_campaign;
  FadingSum by_kind;
  FadingSum by_origin;
  FadingSum by_mailbox;
  /// The automatic listing that the sender has by this incident: new or prolonged. Absent: the incident lists nobody.
  std::optional<Listing> listing;
};

}  // namespace blowback
