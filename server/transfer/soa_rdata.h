// The RDATA of the zone's SOA record (RFC 1035 §3.3.13), as transfers and NOTIFY send it: without compression.
#pragma once

#include "answer/served_zone.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace blowback::transfer {

/// Octets from the beginning of the serial to the end.
inline constexpr std::size_t kSoaNumbers = 20;

/// Requires a zone with a name server, as every ServedZone has.
[[nodiscard]] std::vector<std::uint8_t> soa_rdata(const answer::ServedZone& zone, std::uint32_t serial);

}  // namespace blowback::transfer
