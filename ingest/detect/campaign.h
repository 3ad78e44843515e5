// The forged mailing that a delivery belongs to: all bounces of one mailing are one campaign.
#pragma once

#include "blowback/verdict.h"

#include <string>

namespace blowback::detect {

/// 32 hex digits, from the returned original's Message-ID or, without one, from its From, Subject and Date if it has at least two of them.
/// "": not known. Pure.
[[nodiscard]] std::string campaign_of(const ReturnedOriginal& original);

/// Likewise for a reply without the original, from the Message-ID that it answers.
[[nodiscard]] std::string campaign_of_message_id(const std::string& message_id);

}  // namespace blowback::detect
