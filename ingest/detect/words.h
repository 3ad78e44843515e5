// Looking at text: lines, blanks, case. The small change of this room.
#pragma once

#include <string>
#include <string_view>

namespace blowback::detect {

/// The first line of `text` without its end, which is taken off `text`. Requires a text that isn't empty.
[[nodiscard]] std::string_view next_line(std::string_view& text);
/// Without blanks and line ends around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);
/// ASCII only.
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] bool contains_ignoring_case(std::string_view text, std::string_view what);
[[nodiscard]] bool starts_ignoring_case(std::string_view text, std::string_view what);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace blowback::detect
