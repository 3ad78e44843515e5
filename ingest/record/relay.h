// Whether the client created a message or passed it on, by all that the message shows of its way.
#pragma once

#include "blowback/attribution.h"
#include "config/config.h"
#include "mail/message.h"
#include "mail/received_chain.h"

#include <span>
#include <string>

namespace blowback::record {

/// How it shows that `client` passed the message on; `Relayed::no` where nothing does. `received`: the values of the Received:
/// fields among `fields`. Only what stands below `client.ours` of them is looked at, since our own filters add fields above.
/// `recipients`: the delivery's, lower case. Who can write which of these fields: docs/decisions.md, "Threat model". Pure.
[[nodiscard]] Relayed relayed_by(const mail::Client& client, std::span<const mail::Field> fields,
                                 std::span<const std::string> received, const config::TrapIndex& traps,
                                 std::span<const std::string> recipients);

}  // namespace blowback::record
