// What counts, and how much: who sent it and how it is marked, its form, its wording. Every weight that isn't a signature's is here.
#pragma once

#include "delivery_status.h"
#include "facts.h"
#include "signature_set.h"
#include "tally.h"

#include <optional>
#include <string>

namespace blowback::detect {

/// The signal by which a report is known that somebody asked for: ARF (RFC 5965), DMARC aggregate (RFC 7489 §7.2) and failure
/// reports, TLS reports (RFC 8460 §5.3). They go to an address that is in DNS or subscribed, never to a forged one. Pure.
[[nodiscard]] std::optional<std::string> feedback_signal(const Facts& facts, const mail::Message& message);

/// By envelope and marks: did a program send it?
void weigh_origin(const Facts& facts, Tally& tally);
/// By signatures. Reads the text of `facts` where a program may have sent it. Returns the product that wrote it, "" if not known.
[[nodiscard]] std::string weigh_wording(const SignatureSet& signatures, Facts& facts, Tally& tally);
/// By structure. Requires the other two to be done: some of it counts only with them.
void weigh_form(const Facts& facts, const DeliveryStatus& status, Tally& tally);

}  // namespace blowback::detect
