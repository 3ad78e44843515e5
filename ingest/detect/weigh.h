// Weighs the evidence: who sent the message and how it is marked, its form, its wording. All weights are here, except for the signatures'.
#pragma once

#include "delivery_status.h"
#include "facts.h"
#include "signature_set.h"
#include "tally.h"

#include <optional>
#include <string>

namespace blowback::detect {

/// The signal of a report that somebody requested: ARF (RFC 5965), DMARC aggregate (RFC 7489 §7.2) and failure reports, TLS reports (RFC 8460
/// §5.3). They go to an address in DNS or to a subscriber, never to a forged one. Pure.
[[nodiscard]] std::optional<std::string> feedback_signal(const Facts& facts, const mail::Message& message);

/// By envelope and header fields: whether a program sent it.
void weigh_origin(const Facts& facts, Tally& tally);
/// By signatures. Reads the text of `facts` if a program may have sent the message. Returns the product that wrote it; "": not known.
[[nodiscard]] std::string weigh_wording(const SignatureSet& signatures, Facts& facts, Tally& tally);
/// By structure. To be called after the other two: some of it counts only with them.
void weigh_form(const Facts& facts, const DeliveryStatus& status, Tally& tally);

}  // namespace blowback::detect
