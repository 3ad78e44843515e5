// Whether the client created a message or relayed it, by everything in the message.
#pragma once

#include "blowback/attribution.h"
#include "config/config.h"
#include "mail/message.h"
#include "mail/received_chain.h"

#include <span>
#include <string>

namespace blowback::record {

/// The evidence that `client` relayed the message; `Relayed::no`: there is none. `received`: the values of the Received: fields among `fields`.
/// Only what is below the first `client.ours` of them is used, since our own filters add fields above. `recipients`: the delivery's, lower case.
/// docs/decisions.md, "Threat model", says who can forge which of these fields. Pure.
[[nodiscard]] Relayed relayed_by(const mail::Client& client, std::span<const mail::Field> fields,
                                 std::span<const std::string> received, const config::TrapIndex& traps,
                                 std::span<const std::string> recipients);

}  // namespace blowback::record
