// Why the accused server sent it, from what it says: the words of the diagnostic, RFC 3463 codes, RFC 5321 replies.
#pragma once

#include "blowback/kind.h"
#include "delivery_status.h"
#include "signature_set.h"

#include <string_view>
#include <vector>

namespace blowback::detect {

/// Of a DSN. `lines` is what the mailer wrote to a person, `words_as_written` the same with blanks collapsed; they are asked only
/// where the status says nothing, the first SMTP reply among the lines before the rest. Words come
/// before codes, since far more mailers write a fitting sentence than a fitting code; `delayed` comes before both where
/// the action says it and no other cause shows. Pure. `none` where nothing tells.
[[nodiscard]] Cause cause_of(const SignatureSet& signatures, const DeliveryStatus& status, std::string_view lines,
                             std::string_view words_as_written);

/// By wording alone, for what says nothing elsewhere: a subject. Pure.
[[nodiscard]] Cause cause_of_words(const SignatureSet& signatures, std::string_view words);

/// By an enhanced status code alone (RFC 3463 §3), `none` where it is too general (x.0.0) or absent.
[[nodiscard]] Cause cause_of_status(std::string_view enhanced_status);

}  // namespace blowback::detect
