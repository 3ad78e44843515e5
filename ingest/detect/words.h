// Lines of a text, and words in any case. See blowback/text.h for more.
#pragma once

#include "blowback/text.h"

#include <string_view>

namespace blowback::detect {

/// Removes the first line from `text` and returns it without its line end. Requires that `text` isn't empty.
[[nodiscard]] std::string_view next_line(std::string_view& text);
[[nodiscard]] bool contains_ignoring_case(std::string_view text, std::string_view what);
[[nodiscard]] bool starts_ignoring_case(std::string_view text, std::string_view what);

}  // namespace blowback::detect
