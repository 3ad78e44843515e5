// The reply put together from what is compiled: header, the question as it came, records, OPT. No allocation, no ldns.
//
// It holds to the octet what plain_answer.h would build; a property test says so. Private to this room.
#pragma once

#include "answer/served_zone.h"
#include "compiled_answers.h"
#include "decide.h"
#include "query.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::answer {

/// What a reply is put together from. All of it is someone else's.
struct Parts {
  std::uint16_t id = 0;
  bool authoritative = false;
  bool recursion_desired = false;
  bool checking_disabled = false;
  Rcode rcode = Rcode::noerror;
  Wire question;                             ///< QNAME, QTYPE and QCLASS as they came
  std::size_t left = 0;                      ///< octets of the QNAME left of the apex
  const CompiledRecords* records = nullptr;  ///< nullptr: none
  const IpAddress* txt_about = nullptr;      ///< not nullptr: the TXT about this address, and no records
  std::uint32_t serial = 0;
  Wire opt;
};

/// Writes the reply into `out` and returns its size; 0 where it might be longer than `limit`, for which `out` has room.
[[nodiscard]] std::size_t splice(const Parts& parts, const CompiledAnswers& compiled, std::size_t limit,
                                 std::span<std::uint8_t> out);

/// Writes the reply to `query` as `decision` has it into `out` and returns its size; 0 where it has to be built by the plain
/// path: a query that isn't well formed, a reply longer than `limit`, or a name that shares labels with one of ours.
/// Requires room for `limit` octets.
[[nodiscard]] std::size_t spliced_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                                         std::size_t limit, std::span<std::uint8_t> out);

}  // namespace blowback::answer
