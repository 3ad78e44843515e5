// Composes a reply from compiled parts: header, the question as received, records, OPT. No allocation, no ldns.
//
// The result is identical to that of plain_answer.h, byte for byte; a property test compares them. Private to this room.
#pragma once

#include "answer/served_zone.h"
#include "compiled_answers.h"
#include "decide.h"
#include "query.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::answer {

/// The parts of a reply. It owns none of them.
struct Parts {
  std::uint16_t id = 0;
  std::uint8_t opcode = 0;
  bool authoritative = false;
  bool recursion_desired = false;
  bool checking_disabled = false;
  Rcode rcode = Rcode::noerror;
  Wire question;                             ///< QNAME, QTYPE and QCLASS as received; empty: none
  std::size_t left = 0;                      ///< octets of the QNAME left of the apex
  const CompiledRecords* records = nullptr;  ///< nullptr: none
  const Prefix* txt_about = nullptr;         ///< not nullptr: the TXT about this address or network, and no records
  std::uint32_t serial = 0;
  Wire opt;
};

struct Spliced {
  std::size_t size = 0;
  bool truncated =
      false;  ///< it would be too long: only header, question and OPT were written, with TC set (RFC 2181 §9)
};

/// Writes a reply of at most `limit` octets, or of header, question and OPT if these are longer, into `out`. Requires that `out` has room for `limit` octets and
/// for the largest UDP reply.
[[nodiscard]] Spliced splice(const Parts& parts, const CompiledAnswers& compiled, std::size_t limit,
                             std::span<std::uint8_t> out);

/// Writes the reply to `query` according to `decision`. Requires the same as `splice`, and that the query is one to be answered.
[[nodiscard]] Spliced spliced_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                                     std::size_t limit, std::span<std::uint8_t> out);

}  // namespace blowback::answer
