// A sender's score and listing history. Sums fade with time: they are stored as (amount, time) and faded when read, so that rows needn't
// be rewritten.
//
// These are the values; the rules are in ingest/score.
#pragma once

#include "blowback/kind.h"
#include "blowback/listing.h"
#include "blowback/prefix.h"
#include "blowback/unix_time.h"

#include <optional>

namespace blowback {

/// An amount and its time; the amount halves every `Policy::half_life`.
struct FadingSum {
  double amount = 0;
  UnixTime at{};
};

/// The amount at `now`. Pure. If `now <= sum.at` it is unchanged, so that a clock that is stepped back can't raise a score.
/// Requires half_life > 0s.
[[nodiscard]] double faded(const FadingSum& sum, UnixTime now, Duration half_life);

/// Likewise of a part of a score, which is 0 from `sum.at + forgotten_after` on (Policy::parts_forgotten_after()). Pure.
[[nodiscard]] double faded_part(const FadingSum& sum, UnixTime now, Duration half_life, Duration forgotten_after);

struct Standing {
  Prefix sender;
  FadingSum score;
  /// How many times the sender has been listed, the current listing included; reset once the score has faded to almost nothing.
  int times_listed = 0;
  /// Beginning and end of the latest automatic listing, even if it has expired and was removed. Absent: there was none, or
  /// the operator ended it.
  std::optional<UnixTime> listed_at;
  std::optional<UnixTime> listed_until;
  /// When the operator delisted it: what was received up to and including that second doesn't count any more.
  std::optional<UnixTime> afresh_since;
};

/// What the store knows about a sender when an incident arrives: all that scoring may read. Nothing in it is later than the
/// incident.
struct Ledger {
  Standing standing;
  FadingSum by_witness;   ///< the part of this incident's witness
  FadingSum by_campaign;  ///< likewise of its campaign
  FadingSum by_kind;      ///< likewise of its kind
  FadingSum by_origin;    ///< likewise of its origin, see origin_key() in incident.h
  FadingSum by_mailbox;   ///< likewise of its mailbox; 0 if it has none
  /// *Other* witnesses that reported within `Policy::memory()` before this incident, counted up to `distinct_traps`.
  int witnesses = 0;
  int campaigns = 0;  ///< likewise other campaigns
  CodeSet codes;      ///< kinds that were seen within `Policy::memory()` before this incident
  /// An exemption covers the sender: incidents count, but list nobody.
  bool exempt = false;
};

/// The result of one incident.
struct Assessment {
  double credit = 0;  ///< what the incident adds, at its `received_at`
  Standing standing;
  FadingSum by_witness;
  FadingSum by_campaign;
  FadingSum by_kind;
  FadingSum by_origin;
  FadingSum by_mailbox;
  /// The automatic listing that follows from this incident, new or prolonged. Absent: the incident lists nobody.
  std::optional<Listing> listing;
};

}  // namespace blowback
