// Which forged mailing a delivery comes from: bounces of one mailing are one campaign, however many there are.
#pragma once

#include "blowback/verdict.h"

#include <string>

namespace blowback::detect {

/// 32 hex digits. The returned original's Message-ID; where there is none, its From, Subject and Date, as far as at least
/// two of them are there. "" where that can't be told. Pure.
[[nodiscard]] std::string campaign_of(const ReturnedOriginal& original);

/// For what answers a message without returning it: by the Message-ID it answers to, with the same result as above.
[[nodiscard]] std::string campaign_of_message_id(const std::string& message_id);

}  // namespace blowback::detect
