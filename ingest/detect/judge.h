// Judges whether a delivery is backscatter, of which kind, and why it was sent. Pure.
//
// Structure counts first (envelope, multipart/report, delivery-status fields, Auto-Submitted), then wording. Spam that imitates a bounce,
// newsletters, posts of mailing lists and ARF reports are not backscatter.
#pragma once

#include "blowback/trap_delivery.h"
#include "blowback/verdict.h"
#include "mail/message.h"

#include <expected>
#include <optional>
#include <span>
#include <string>

namespace blowback::detect {

/// Safe from any thread. `message`: `delivery.message` parsed; not used for a callout. `traps`: the delivery's recipients that are traps, lower
/// case, which are compared with the returned original.
[[nodiscard]] Verdict judge(const TrapDelivery& delivery, const mail::Message& message,
                            std::span<const std::string> traps);

}  // namespace blowback::detect
