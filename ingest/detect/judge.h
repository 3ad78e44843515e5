// Judges whether a delivery is backscatter, of which kind, and why it was sent. Pure.
//
// Proof counts first (a delivery report; a returned letter that claims to be from the recipient), then structure, then wording. Spam that
// imitates a bounce, newsletters, posts of mailing lists and ARF reports are not backscatter.
#pragma once

#include "blowback/trap_delivery.h"
#include "blowback/verdict.h"
#include "mail/message.h"
#include "signature_set.h"

#include <span>
#include <string>

namespace blowback::detect {

/// Safe from any thread. `message`: `delivery.message` parsed; not used for a callout. `traps`: the delivery's recipients that are traps, lower
/// case, which are compared with the returned original.
[[nodiscard]] Verdict judge(const TrapDelivery& delivery, const mail::Message& message,
                            std::span<const std::string> traps,
                            const SignatureSet& signatures = SignatureSet::built_in());

}  // namespace blowback::detect
