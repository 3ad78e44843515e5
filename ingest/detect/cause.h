// Why the server sent a bounce, from its own words: the diagnostic, RFC 3463 codes, RFC 5321 replies.
#pragma once

#include "blowback/kind.h"
#include "delivery_status.h"
#include "signature_set.h"

#include <string_view>
#include <vector>

namespace blowback::detect {

/// Of a DSN. `lines`: the text for people; `words_as_written`: the same with white space collapsed. The peer's words decide (the diagnostic, else
/// the first SMTP reply in the text), then its code, then the mailer's own words and the status. Words precede codes, since far more mailers
/// write a fitting sentence than a fitting code. A warning about a delay has another cause than `delayed` only if the peer named one that is
/// more than trouble, such as a full mailbox or greylisting. `none`: not known. Pure.
[[nodiscard]] Cause cause_of(const SignatureSet& signatures, const DeliveryStatus& status, std::string_view lines,
                             std::string_view words_as_written);

/// From wording alone, such as a subject. Pure.
[[nodiscard]] Cause cause_of_words(const SignatureSet& signatures, std::string_view words);

/// From an enhanced status code alone (RFC 3463 §3); `none` if it is too general (x.0.0) or absent.
[[nodiscard]] Cause cause_of_status(std::string_view enhanced_status);

}  // namespace blowback::detect
