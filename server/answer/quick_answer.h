// The hot path: a plain question for one IPv4 address, read in one pass, looked up and answered by splicing.
//
// It takes what nearly every query to a blocklist is, and leaves everything else to the general way (query.h, decide.h), with
// which it agrees in every octet; a property test says so. Private to this room.
#pragma once

#include "answer/answer.h"
#include "answer/served_zone.h"
#include "query.h"
#include "zone/follower.h"

#include <cstdint>
#include <optional>
#include <span>

namespace blowback::answer {

/// A question of four octets and the zone's name, type A, AAAA or TXT, with an OPT or nothing behind it.
struct QuickQuestion {
  std::uint32_t address = 0;
  std::uint16_t type = 0;
  std::uint8_t left = 0;  ///< octets left of the apex
  std::optional<Edns> edns;
};

/// Absent: the message is something else, or means something else as well; ask the general way.
[[nodiscard]] std::optional<QuickQuestion> quick_question(Wire message, const ServedZone& zone);

/// The answer to it by UDP, with `opt` at its end. Requires that the list is there and not stale.
[[nodiscard]] Answer quick_answer(Wire message, const QuickQuestion& question, const ServedZone& zone,
                                  const zone::ListingIndex& index, UnixTime now, Wire opt,
                                  std::span<std::uint8_t> reply);

}  // namespace blowback::answer
