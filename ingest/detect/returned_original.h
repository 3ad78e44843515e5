// The mail that came back, in whatever form: enclosed, its header alone, or quoted in the text, indented or cut off.
//
// All of it was written by strangers. It tells mailings apart and explains; nothing in it decides who is accused.
#pragma once

#include "blowback/verdict.h"
#include "mail/message.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// A block of header fields found in text.
struct QuotedOriginal {
  std::vector<mail::Field> fields;  ///< empty where nothing was found
  /// Where the original begins in the text: what stands before is the mailer's own. npos where the text has none, or has
  /// just a summary (To, Subject, Sent) that the mailer goes on after.
  std::size_t begin = std::string_view::npos;
};

/// Looks for the original in a mailer's text: a run of header fields, whatever separator stands before it. Linear. Pure.
[[nodiscard]] QuotedOriginal find_quoted_original(std::string_view text);

/// What its header fields say. Absent where they say nothing of use. Pure.
[[nodiscard]] std::optional<ReturnedOriginal> original_of(const std::vector<mail::Field>& fields);

}  // namespace blowback::detect
