// The reply put together from what is compiled: header, the question as it came, records, OPT. No allocation, no ldns.
//
// It holds to the octet what plain_answer.h would build; a property test says so. Private to this room.
#pragma once

#include "answer/served_zone.h"
#include "decide.h"
#include "query.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::answer {

/// Writes the reply to `query` as `decision` has it into `out` and returns its size; 0 where it has to be built by the plain
/// path: a query that isn't well formed, a reply longer than `limit`, or a name that shares labels with one of ours.
/// Requires room for `limit` octets.
[[nodiscard]] std::size_t spliced_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                                         std::size_t limit, std::span<std::uint8_t> out);

}  // namespace blowback::answer
