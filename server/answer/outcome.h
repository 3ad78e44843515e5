// What became of a query, for counting. Each query has exactly one outcome.
#pragma once

#include <cstdint>
#include <string_view>

namespace blowback::answer {

enum class Outcome : std::uint8_t {
  listed,      ///< a listed address, any type but one we have nothing of
  test_point,  ///< one of RFC 5782 §5's and our own, likewise
  apex,        ///< SOA, NS or anything else at the zone's own name, and name servers' addresses
  nodata,      ///< an empty non-terminal, or a type that a listed name hasn't
  nxdomain,    ///< an address that isn't listed, or a network in which none is
  misuse,      ///< a name that can't be an address: somebody's resolver or filter is set up wrong
  refused,     ///< not our zone or class, or a transfer
  formerr,     ///< not a well-formed query
  notimp,      ///< an opcode other than QUERY
  badvers,     ///< an EDNS version other than 0
  servfail,    ///< there is no index yet
  dropped,     ///< too short to answer, or itself a response: silence
};

inline constexpr std::size_t kOutcomes = 12;

/// As it stands in logs and metrics: `listed`, `test_point`, …
[[nodiscard]] std::string_view name_of(Outcome outcome);

/// What the rate limit did with a reply.
enum class Limited : std::uint8_t { no, slipped, dropped };

}  // namespace blowback::answer
