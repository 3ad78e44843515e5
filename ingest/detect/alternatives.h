// Takes patterns apart: `^(undeliverable|returned mail): ` becomes two alternatives, each with literals and a beginning of its own, so that far
// less is tried than with a pattern of fifty phrases, which would have to be tried if any of its literals is in the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// How far a match reaches at most. Unlimited if both are kUnlimited.
struct Reach {
  static constexpr std::uint16_t kUnlimited = 4096;
  std::uint16_t octets = kUnlimited;
  std::uint16_t blanks = kUnlimited;  ///< U+0020 in it
};

/// One of the alternatives that a pattern is made of. Matches folded texts (literal_set.h).
struct Alternative {
  std::string pattern;
  /// With what a text must begin (or a line, with `(?m)`) for a match, folded; "": anything.
  std::string beginning;
  /// If it has nothing but characters that stand for themselves, perhaps after `^`: these, folded. A text matches if and only if it contains them,
  /// or begins with them. "": it has others.
  std::string plain;
  Reach reach;
};

/// A text matches `pattern` if and only if it matches one of them. Requires a pattern of RE2. As many as it has between `|` outside of groups,
/// and a few hundred more from groups. Capital letters are written small, so that most automata need no cases.
[[nodiscard]] std::vector<Alternative> alternatives_of(std::string_view pattern);

/// Whether a pattern names letters by a code or a property (`\x41`, `\p{Lu}`, `[[:upper:]]`), which may have capitals even in a pattern for folded
/// texts, so that case has to be ignored.
[[nodiscard]] bool has_letters_by_property(std::string_view pattern);

}  // namespace blowback::detect
