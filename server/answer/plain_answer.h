// The reply built from ldns's objects: right by construction, some microseconds each. Private to this room.
//
// A faster way of building the commonest replies belongs beside it, with this one as its measure.
#pragma once

#include "answer/served_zone.h"
#include "decide.h"
#include "query.h"

#include <cstdint>
#include <vector>

namespace blowback::answer {

struct Built {
  std::vector<std::uint8_t> octets;
  bool truncated = false;
};

/// The reply to `query` as `decision` has it, at most as large as the transport allows: a larger one is cut down to header,
/// question and OPT, with TC set (RFC 2181 §9).
[[nodiscard]] Built plain_answer(const Query& query, const Decision& decision, const ServedZone& zone, bool tcp);

}  // namespace blowback::answer
