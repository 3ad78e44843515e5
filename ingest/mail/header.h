// Header fields of a message or a MIME part: unfolding, malformed lines, and where the header ends. One pass, without a library.
//
// Both `parse` (all parts) and `parse_header` (the message's header alone) use it, so that they read the same fields.
#pragma once

#include "blowback/text.h"
#include "mail/message.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

/// The line at `at` without its line end, and where the next one begins. Lines end with LF or CRLF; the last one may have no end.
struct Line {
  std::string_view text;
  std::size_t next = 0;
};
[[nodiscard]] Line line_at(std::string_view bytes, std::size_t at);

/// Appends the fields from `at` on to `fields`, without NUL octets, until an empty line, a line that can't belong to a header, or the end.
/// Returns where the body begins. Each field decrements `fields_left`; fails with `too_many_fields` once that is 0.
[[nodiscard]] std::expected<std::size_t, MessageError> read_header(std::string_view bytes, std::size_t at,
                                                                   std::size_t& fields_left, std::size_t fields_limit,
                                                                   std::vector<Field>& fields);

/// Where the header begins: after empty lines, lines of white space, and the `From ` line of an mbox.
[[nodiscard]] std::size_t header_begin(std::string_view bytes);

}  // namespace blowback::mail
