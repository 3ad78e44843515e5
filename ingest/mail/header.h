// Header fields as they stand in the text: where a header ends, folding, junk lines. One pass, no library.
//
// Shared by `parse` (all parts) and `parse_header` (the top alone), so that both read the same fields.
#pragma once

#include "mail/message.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

/// The line at `at` without its end, and where the next begins. A line ends with LF or CRLF; the last may have no end.
struct Line {
  std::string_view text;
  std::size_t next = 0;
};
[[nodiscard]] Line line_at(std::string_view bytes, std::size_t at);

struct HeaderEnd {
  std::size_t body = 0;  ///< where the body begins
  bool has_nul = false;
};

/// Reads fields from `at` on and appends them to `fields`; stops at the first empty line, at what can be no header, or at
/// `end`. Fails as `too_many_fields` once `fields_left` is used up; what was read is taken off it.
[[nodiscard]] std::expected<HeaderEnd, MessageError> read_header(std::string_view bytes, std::size_t at,
                                                                 std::size_t& fields_left, std::size_t fields_limit,
                                                                 std::vector<Field>& fields);

/// Where the header begins: after a `From ` line of an mbox, if there is one, and empty lines.
[[nodiscard]] std::size_t header_begin(std::string_view bytes);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace blowback::mail
