// The OPT record of a reply (RFC 6891), and how large a reply may be. Private to this room.
#pragma once

#include "answer/served_zone.h"
#include "decide.h"
#include "query.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace blowback::answer {

/// What we take by UDP, and the most that we send: passes every path without fragments (DNS flag day 2020).
inline constexpr std::uint16_t kUdpPayload = 1232;

/// Octets that a reply to `query` may have.
[[nodiscard]] std::size_t reply_limit(const Query& query, bool tcp);

/// The OPT of the reply: our size, version 0, the query's DO; NSID and keepalive where asked for, the extended error where
/// there is one. Empty where the query had no OPT.
[[nodiscard]] std::vector<std::uint8_t> opt_record(const Query& query, const ServedZone& zone, Rcode rcode,
                                                   std::optional<ExtendedError> error, bool tcp);

}  // namespace blowback::answer
