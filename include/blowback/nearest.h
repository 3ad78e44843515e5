// Suggestions for a misspelt word: a config key, a command.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace blowback {

/// The one of `known` with the smallest edit distance from `word` (letters inserted, removed or replaced): at most two, or a third of
/// the length of a long word. Absent: none is that near. Pure.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace blowback
