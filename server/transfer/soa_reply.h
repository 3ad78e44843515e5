// What a name server answers to a query for the zone's SOA: which serial it has.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace blowback::transfer {

/// A query for the SOA of `apex` (a name in wire format), without EDNS and without RD.
[[nodiscard]] std::vector<std::uint8_t> soa_query(std::uint16_t id, std::span<const std::uint8_t> apex);

struct SoaReply {
  unsigned rcode = 0;
  std::optional<std::uint32_t> serial;  ///< absent: no authoritative answer (RFC 1035 §4.1.1, AA) with the SOA
};

/// Any octets may come. Absent: it is no reply to `soa_query(id, apex)`. Reads only the first answer, and no further than `message`. Pure.
[[nodiscard]] std::optional<SoaReply> read_soa_reply(std::span<const std::uint8_t> message, std::uint16_t id,
                                                     std::span<const std::uint8_t> apex);

}  // namespace blowback::transfer
