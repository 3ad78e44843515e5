// The outcome of a query, for statistics. Each query has exactly one.
#pragma once

#include <cstdint>
#include <string_view>

namespace blowback::answer {

enum class Outcome : std::uint8_t {
  listed,      ///< a listed address, asked for a type that exists there
  test_point,  ///< a test point (RFC 5782 §5), likewise
  apex,        ///< SOA, NS or anything else at the zone's own name, and name servers' addresses
  nodata,      ///< an empty non-terminal, or a type that doesn't exist at a listed name
  nxdomain,    ///< an address that isn't listed, or a network without a listed address
  misuse,      ///< a name that can't be an address: the client's resolver or filter is misconfigured
  refused,     ///< not our zone or class, or not allowed
  formerr,     ///< not a well-formed query
  notimp,      ///< an opcode other than QUERY
  badvers,     ///< an EDNS version other than 0
  servfail,    ///< there is no index yet
  transfer,    ///< a transfer of the zone that is allowed: no reply yet, see answer/transfer_request.h
  notauth,     ///< a transfer of a name that isn't the zone's own, or a signature that isn't valid (RFC 8945)
  dropped,     ///< too short to answer, or itself a response: no reply
};

inline constexpr std::size_t kOutcomes = 14;

/// Its name in logs and metrics: `listed`, `test_point`, …
[[nodiscard]] std::string_view name_of(Outcome outcome);

/// What the rate limit did to a reply.
enum class Limited : std::uint8_t { no, slipped, dropped };

}  // namespace blowback::answer
