// A sender's score, computed again from its recorded incidents: to try another policy, and to undo an operator's decision.
//
// These are the values; ingest/score computes them, schema/ stores input and result. If the oldest incidents have expired, the
// computation starts with the stored result up to then (the horizon).
#pragma once

#include "blowback/accusation.h"
#include "blowback/listing.h"
#include "blowback/prefix.h"
#include "blowback/standing.h"
#include "blowback/unix_time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback {

/// A recorded decision of an operator that affects standings. Decisions that were undone are left out.
struct PastDecision {
  enum class Action : std::uint8_t {
    delisted,         ///< listings within `prefix` ended, and the scores of its senders were reset
    exempted,         ///< listings within `prefix` ended, and none began until `until`
    exemption_ended,  ///< the exemption of exactly `prefix`
  };
  UnixTime at{};
  Action action = Action::delisted;
  Prefix prefix;
  std::optional<UnixTime> until;
};

/// The part of a sender's score that comes from one witness, campaign, kind, origin or mailbox.
struct StandingPart {
  PartKey key{};
  /// The text of the key: the witness, the campaign, the kind's name, origin_key() of the incident, or the mailbox; "" in a
  /// Reckoning.
  std::string label;
  FadingSum sum;
  UnixTime last_at{};
  std::uint64_t incidents = 0;
};

/// The result for one sender. Its parts have no labels.
struct Reckoning {
  Standing standing;
  std::vector<StandingPart> witnesses;  ///< in no particular order; likewise below
  std::vector<StandingPart> campaigns;
  std::vector<StandingPart> kinds;
  std::vector<StandingPart> origins;
  std::vector<StandingPart> mailboxes;
  /// The latest automatic listing that no decision ended; it may have expired. Absent: there is none.
  std::optional<Listing> listing;
  std::vector<double> credits;  ///< of each incident, in the order of the input
  /// If the computation starts with it: it includes all incidents and decisions before this time.
  UnixTime as_of = UnixTime::min();
};

}  // namespace blowback
