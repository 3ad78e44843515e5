// The hot path: a plain question for one IPv4 address, read in one pass, looked up, and answered by copying.
//
// It handles nearly all queries that a blocklist gets, and leaves the rest to the general path (query.h, decide.h). Both give identical
// replies, byte for byte; a property test compares them. Private to this room.
#pragma once

#include "answer/answer.h"
#include "answer/served_zone.h"
#include "query.h"
#include "zone/view.h"

#include <cstdint>
#include <optional>
#include <span>

namespace blowback::answer {

/// A question for four octets below a zone's name, type A, AAAA or TXT, followed by an OPT or nothing.
struct QuickQuestion {
  const ServedZone* zone = nullptr;
  std::uint32_t address = 0;
  std::uint16_t type = 0;
  std::uint8_t left = 0;  ///< octets left of the apex
  std::optional<Edns> edns;
};

/// Absent: the message is something else, or has a second meaning; use the general path.
[[nodiscard]] std::optional<QuickQuestion> quick_question(Wire message, const ServedZones& zones);

/// The answer over UDP, with `opt` at its end. Requires that there is a list, and that it isn't stale.
[[nodiscard]] Answer quick_answer(Wire message, const QuickQuestion& question, const zone::View& view, Wire opt,
                                  std::span<std::uint8_t> reply);

}  // namespace blowback::answer
