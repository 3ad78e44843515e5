// Is this delivery backscatter, of which kind, caused by what? The judge, pure: same input, same verdict.
//
// Structure first (envelope, multipart/report, delivery-status fields, Auto-Submitted), wording after. Spam dressed up
// as a bounce, a newsletter, a mailing list post and an ARF report are not backscatter.
#pragma once

#include "blowback/trap_delivery.h"
#include "blowback/verdict.h"
#include "mail/message.h"

#include <expected>
#include <optional>
#include <span>
#include <string>

namespace blowback::detect {

/// The judge itself. Safe from any thread. `message` is `delivery.message` parsed; for a callout it is not looked at.
/// `traps`: the delivery's recipients that are traps, lower case; the returned original is held against them.
[[nodiscard]] Verdict judge(const TrapDelivery& delivery, const mail::Message& message,
                            std::span<const std::string> traps);

}  // namespace blowback::detect
