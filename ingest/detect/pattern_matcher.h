// Which of thousands of patterns match a text. First it finds where the literals that patterns require are in the text, then it tries only
// the patterns with these, and only as far around the literals as a match can reach. A single RE2 automaton of all patterns, or all literals, would
// get new states in every new text, and these are expensive to make.
#pragma once

#include "alternatives.h"
#include "telling_literals.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// The patterns of one place (signature_set.h). After the last `add`, safe from any thread.
class PatternMatcher {
 public:
  /// `is_by_line`: a pattern never matches across lines. `known`: literals that need no computing.
  PatternMatcher(bool is_by_line, KnownLiterals known);
  ~PatternMatcher();
  PatternMatcher(const PatternMatcher&) = delete;
  PatternMatcher& operator=(const PatternMatcher&) = delete;

  /// Requires a pattern that RE2 compiles, and no `match` yet. Several signatures may have the same pattern.
  void add(std::string_view pattern, std::size_t signature);

  /// The numbers of the signatures that match, ascending.
  [[nodiscard]] std::vector<std::size_t> match(std::string_view text) const;
  /// The texts of the alternatives that all patterns consist of (alternatives.h), sorted.
  [[nodiscard]] std::vector<std::string> alternatives() const;

 private:
  class Trial;
  struct Prepared;
  struct Owned {
    Alternative alternative;                ///< but for its pattern
    std::vector<std::uint32_t> signatures;  ///< those with the alternative
  };
  [[nodiscard]] std::unique_ptr<const Prepared> prepare() const;

  bool is_by_line_;
  KnownLiterals known_;
  std::map<std::string, Owned> owned_;  ///< by the alternative's pattern
  std::size_t end_ = 0;                 ///< the greatest number of a signature, plus one
  // Made at the first use, so that a single mail through a pipe doesn't wait for patterns that it doesn't need.
  mutable std::once_flag once_;
  mutable std::unique_ptr<const Prepared> prepared_;
};

}  // namespace blowback::detect
