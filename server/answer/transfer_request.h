// What the messages of a zone transfer take over from its query (RFC 5936 §2.2).
#pragma once

#include "answer/answer.h"
#include "answer/tsig.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace blowback::answer {

struct TransferRequest {
  const ServedZone* zone = nullptr;  ///< the one that is transferred
  std::uint16_t id = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  std::vector<std::uint8_t> question;  ///< QNAME, which is the zone's, QTYPE and QCLASS, as received
  std::vector<std::uint8_t> opt;       ///< the OPT of the first message; empty: none
  std::optional<std::uint32_t> since;  ///< of an IXFR: the client's serial. Absent: it is an AXFR
  std::optional<TsigSigner> signer;    ///< of each message; its key is the zone's
};

/// Requires that the outcome of `answer` for the same arguments was `transfer`; otherwise it may be absent.
[[nodiscard]] std::optional<TransferRequest> read_transfer_request(const Asked& asked, const ServedZones& zones,
                                                                   UnixTime now);

}  // namespace blowback::answer
