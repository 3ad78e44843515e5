// Whether the client created a message or passed it on, by all that the message shows of its way.
#pragma once

#include "blowback/attribution.h"
#include "blowback/ip_address.h"
#include "config/config.h"
#include "mail/message.h"

#include <cstddef>
#include <span>
#include <string>

namespace blowback::record {

/// How it shows that `client` passed the message on; `Relayed::no` where nothing does. `ours`: how many Received: fields from
/// the top our own hosts wrote; only fields below them are looked at, since our own filters add some above. `recipients`: the
/// delivery's, lower case. Who can write which of these fields: docs/decisions.md, "Threat model". Pure.
[[nodiscard]] Relayed relayed_by(const IpAddress& client, std::span<const mail::Field> fields, std::size_t ours,
                                 const config::Traps& traps, std::span<const std::string> recipients);

}  // namespace blowback::record
