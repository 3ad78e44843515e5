// The identity of a delivery, as a digest: two deliveries with the same digest count once.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "blowback/trap_delivery.h"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace blowback::record {

/// SHA-256 in hex of the parts, each preceded by its length, so that different lists of parts differ.
[[nodiscard]] std::string sha256_hex(std::initializer_list<std::string_view> parts);

/// The identity of a message from `client`: its octets below our own hosts' trace fields, without fields that mail readers add, and whatever
/// its line ends. The recipients don't count: one message to several traps is one. The time counts only if the feed's source recorded it, not
/// if it is a file's: the same mail found twice is one delivery. `ours`: the number of Received: fields at the top that are ours.
[[nodiscard]] std::string digest_of_message(const TrapDelivery& delivery, const IpAddress& client, std::size_t ours);

/// The identity of a callout: the sender, the witness and the hour (UTC).
[[nodiscard]] std::string digest_of_callout(const TrapDelivery& delivery, const Prefix& sender,
                                            std::string_view witness);

}  // namespace blowback::record
