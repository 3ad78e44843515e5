// What makes a delivery the same delivery: a digest over its identity.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "blowback/trap_delivery.h"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace blowback::record {

/// SHA-256 in hex over the parts, each with its length before it, so that no two lists of parts run together.
[[nodiscard]] std::string sha256_hex(std::initializer_list<std::string_view> parts);

/// Identity of a message that `client` delivered: its octets from below the trace that our own hosts wrote, without fields that
/// mail readers add later, and with any line ends. Who received it is no part: one message to several traps is one. The time
/// is, where the feed was told it; a file's time or name isn't: the same mail found twice is one delivery. `ours`: how many
/// Received: fields from the top are ours.
[[nodiscard]] std::string digest_of_message(const TrapDelivery& delivery, const IpAddress& client, std::size_t ours);

/// Identity of a callout: the sender, the witness and the hour (UTC). More of them within it are the same.
[[nodiscard]] std::string digest_of_callout(const TrapDelivery& delivery, const Prefix& sender,
                                            std::string_view witness);

}  // namespace blowback::record
