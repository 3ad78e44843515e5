// Why the server sent a bounce, from its own words: the diagnostic, RFC 3463 codes, RFC 5321 replies.
#pragma once

#include "blowback/kind.h"
#include "delivery_status.h"
#include "signature_set.h"

#include <string_view>
#include <vector>

namespace blowback::detect {

/// Of a DSN. `lines`: the text for people; `words_as_written`: the same with white space collapsed. The text is used only if the status has no
/// cause, and the first SMTP reply in it before the rest. Words precede codes, since far more mailers write a fitting sentence than a fitting
/// code; `delayed` precedes both if the action says so and there is no other cause. `none`: not known. Pure.
[[nodiscard]] Cause cause_of(const SignatureSet& signatures, const DeliveryStatus& status, std::string_view lines,
                             std::string_view words_as_written);

/// From wording alone, such as a subject. Pure.
[[nodiscard]] Cause cause_of_words(const SignatureSet& signatures, std::string_view words);

/// From an enhanced status code alone (RFC 3463 §3); `none` if it is too general (x.0.0) or absent.
[[nodiscard]] Cause cause_of_status(std::string_view enhanced_status);

}  // namespace blowback::detect
