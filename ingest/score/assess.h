// What one incident makes of its sender's standing, and whether the sender is listed by it and for how long.
//
// The sum is linear: an incident's credit is settled when it comes in (weight × confidence, cut to what its witness, campaign,
// origin and mailbox may still add), and everything fades at one rate. So (score, as of when) is all there is to keep, and the
// terms that `blowback why` prints add up to it exactly.
#pragma once

#include "blowback/accusation.h"
#include "blowback/policy.h"
#include "blowback/standing.h"

namespace blowback::score {

/// Whether a score counts as having reached a threshold: both are compared as people write them, rounded to one decimal,
/// so that three bounces on one afternoon are 3.0 although the first has faded by a thousandth. Pure.
[[nodiscard]] bool reaches(double score, double threshold);

/// When `score`, as of `at`, will have faded to `Policy::delist_below`; `at` itself if it already has. Pure.
[[nodiscard]] UnixTime fades_out_at(const FadingSum& score, const Policy& policy);

/// What the incident weighs before any cap: its kind's weight × confidence, less where it names no origin, and 0 where it
/// doesn't count. Pure.
[[nodiscard]] double weight_of(const Policy& policy, const Accusation& accusation);

/// Pure: no clock but `accusation.received_at`. An incident older than the standing's time adds what is left of it by then,
/// so the order in which a backlog is read hardly matters. One received up to `afresh_since` adds nothing.
///
/// A listing's end moves in steps of an eighth of its duration or less, upwards, so that a sender that is seen every second
/// doesn't write a journal entry every second. It never ends after Policy::max_listing; up to that, never before its score has
/// faded.
[[nodiscard]] Assessment assess(const Policy& policy, const Accusation& accusation, const Ledger& ledger);

}  // namespace blowback::score
