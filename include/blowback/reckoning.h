// What a sender's whole record comes to when it is reckoned from its first incident on: to try another policy, and to undo
// what an operator decided.
//
// These are the values; ingest/score does the reckoning, schema/ keeps what goes into it and what comes out. A record that is no
// longer kept from its beginning starts with the reckoning as of its horizon.
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

/// What an operator decided that bears on standings, as the record tells it. Decisions that were undone are none.
struct PastDecision {
  enum class Action : std::uint8_t {
    delisted,         ///< listings within `prefix` ended, and its senders started afresh
    exempted,         ///< listings within `prefix` ended, and none came until `until`
    exemption_ended,  ///< the exemption of exactly `prefix`
  };
  UnixTime at{};
  Action action = Action::delisted;
  Prefix prefix;
  std::optional<UnixTime> until;
};

/// A part of a sender's standing: what one witness, campaign, kind, origin or mailbox has against it.
struct StandingPart {
  PartKey key{};
  /// What the key stands for: the witness, the campaign, the kind's name, origin_key of the incident, or the mailbox; "" in a
  /// reckoning.
  std::string label;
  FadingSum sum;
  UnixTime last_at{};
  std::uint64_t incidents = 0;
};

/// One sender, reckoned. Its parts have no labels.
struct Reckoning {
  Standing standing;
  std::vector<StandingPart> witnesses;  ///< in no order, here and below
  std::vector<StandingPart> campaigns;
  std::vector<StandingPart> kinds;
  std::vector<StandingPart> origins;
  std::vector<StandingPart> mailboxes;
  /// The latest automatic listing that no decision ended; it may have ended by itself. Absent: there is none.
  std::optional<Listing> listing;
  std::vector<double> credits;  ///< of each incident, in the order they were given
  /// Where it is a start: what was received, and decided, before this is in it.
  UnixTime as_of = UnixTime::min();
};

}  // namespace blowback
