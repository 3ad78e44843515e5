// What makes a delivery the same delivery: a digest over its identity.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/trap_delivery.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace blowback::record {

/// SHA-256 in hex over the parts, each with its length before it, so that no two lists of parts run together.
[[nodiscard]] std::string sha256_hex(std::initializer_list<std::string_view> parts);

/// Identity of one delivery to one trap: who connected, which trap, the bytes; and the time only where the feed was told
/// it, or where there are no bytes. A file's time or name is no part of it: the same mail found twice is one delivery.
[[nodiscard]] std::string digest_of(const TrapDelivery& delivery, const IpAddress& client, std::string_view trap);

}  // namespace blowback::record
