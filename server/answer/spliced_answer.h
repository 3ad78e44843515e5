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
  std::uint8_t opcode = 0;
  bool authoritative = false;
  bool recursion_desired = false;
  bool checking_disabled = false;
  Rcode rcode = Rcode::noerror;
  Wire question;                             ///< QNAME, QTYPE and QCLASS as they came; empty: none
  std::size_t left = 0;                      ///< octets of the QNAME left of the apex
  const CompiledRecords* records = nullptr;  ///< nullptr: none
  const IpAddress* txt_about = nullptr;      ///< not nullptr: the TXT about this address, and no records
  std::uint32_t serial = 0;
  Wire opt;
};

struct Spliced {
  std::size_t size = 0;
  bool truncated =
      false;  ///< it would be longer than allowed: header, question and OPT are left, with TC set (RFC 2181 §9)
};

/// Writes a reply of at most `limit` octets into `out`. Requires a limit of 512 or more, and room for the longest UDP reply and
/// for `limit`.
[[nodiscard]] Spliced splice(const Parts& parts, const CompiledAnswers& compiled, std::size_t limit,
                             std::span<std::uint8_t> out);

/// Writes the reply to `query` as `decision` has it. Requires what `splice` does, and a query that isn't met with silence.
[[nodiscard]] Spliced spliced_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                                     std::size_t limit, std::span<std::uint8_t> out);

}  // namespace blowback::answer
