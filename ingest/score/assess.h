// How an incident changes its sender's standing, and whether and for how long the sender is listed.
//
// The score is a sum: an incident's credit is computed once, when it is recorded (weight × confidence, at most what its witness, campaign,
// origin and mailbox may still add), and all credits fade at one rate. So it is stored as (score, time), and the terms that `blowback why`
// prints add up to it exactly.
#pragma once

#include "blowback/accusation.h"
#include "blowback/policy.h"
#include "blowback/standing.h"

namespace blowback::score {

/// Whether a score reaches a threshold. Both are rounded to one decimal, so that three bounces on one afternoon are 3.0 although the first one has
/// faded by a thousandth. Pure.
[[nodiscard]] bool reaches(double score, double threshold);

/// When `score`, as of `at`, will have faded to `Policy::delist_below`; `at` if it already has. Pure.
[[nodiscard]] UnixTime fades_out_at(const FadingSum& score, const Policy& policy);

/// The incident's credit before caps: its kind's weight × confidence, less if it names no origin, 0 if it doesn't count. Pure.
[[nodiscard]] double weight_of(const Policy& policy, const Accusation& accusation);

/// Pure: the only time is `accusation.received_at`. An incident older than the standing adds what has remained of it by then, so the order in
/// which a backlog is read hardly matters. One received up to `afresh_since` adds nothing.
///
/// A listing's end is rounded up to steps of an eighth of its duration or less, so that a sender that is seen every second doesn't cause a
/// journal entry every second. It never exceeds Policy::max_listing, and within that the listing never ends before the score has faded.
[[nodiscard]] Assessment assess(const Policy& policy, const Accusation& accusation, const Ledger& ledger);

}  // namespace blowback::score
