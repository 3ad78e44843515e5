// What somebody may have meant who misspelt a word: a key of the config, a command of the tool.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace blowback {

/// The one of `known` with the fewest edits (a letter more, less or another) from `word`: at most two, or a third of a long
/// word. Absent: none is that near. Pure.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace blowback
