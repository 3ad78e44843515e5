// Builds a reply from ldns's objects: simple and correct, but it takes microseconds, or milliseconds for names with many labels. Private to
// this room.
//
// Queries are answered by spliced_answer.h, from parts that this built when the zone was loaded; tests compare the two.
#pragma once

#include "answer/served_zone.h"
#include "decide.h"
#include "query.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace blowback::answer {

struct Built {
  std::vector<std::uint8_t> octets;
  bool truncated = false;
};

/// The reply to `query` according to `decision`, with `opt` (a complete record, or nothing) at its end. If it is larger than `limit`
/// octets, it is reduced to header, question and OPT, with TC set (RFC 2181 §9).
[[nodiscard]] Built plain_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                                 std::size_t limit);

}  // namespace blowback::answer
