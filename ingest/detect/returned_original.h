// The returned mail, in any form: enclosed, its header alone, or quoted in the text, indented or truncated.
//
// Strangers wrote it. It identifies mailings and explains bounces, but doesn't influence who is accused.
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
  std::vector<mail::Field> fields;  ///< empty: nothing was found
  /// Where the original begins in the text; what precedes it is the mailer's. npos: there is none, or just a summary (To, Subject, Sent) after
  /// which the mailer's text continues.
  std::size_t begin = std::string_view::npos;
};

/// Finds the original in a mailer's text: a run of header fields after any separator. Linear. Pure.
[[nodiscard]] QuotedOriginal find_quoted_original(std::string_view text);

/// The original by its header fields. Absent: they have nothing useful. Pure.
[[nodiscard]] std::optional<ReturnedOriginal> original_of(const std::vector<mail::Field>& fields);

}  // namespace blowback::detect
