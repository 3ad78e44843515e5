// The reply built from ldns's objects: right by construction, some microseconds each, or milliseconds where a name has many labels.
// Private to this room.
//
// What queries get is put together by spliced_answer.h, from what was built here when the zone was made, and with this as its measure.
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

/// The reply to `query` as `decision` has it, with `opt` (a whole record, or nothing) at its end; of at most `limit` octets: a
/// larger one is cut down to header, question and OPT, with TC set (RFC 2181 §9).
[[nodiscard]] Built plain_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                                 std::size_t limit);

}  // namespace blowback::answer
