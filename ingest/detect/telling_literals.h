// Which literals a text must contain before a pattern is worth trying.
#pragma once

#include <re2/re2.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// What a text must contain for a match: at least one literal of each list. Folded. Empty: a match requires no literal.
using Telling = std::vector<std::vector<std::string>>;

/// Those of an alternative, if they are known without computing; pure.
using KnownLiterals = std::optional<Telling> (*)(std::string_view alternative);

/// How RE2 compiles an alternative (alternatives.h).
[[nodiscard]] RE2::Options options_for(std::string_view alternative);

/// Of each of these alternatives, which are different and compile. Takes some 0.2 ms for one, since RE2 has to compile it.
[[nodiscard]] std::vector<Telling> telling_literals(std::span<const std::string> alternatives);

}  // namespace blowback::detect
