// Finds which of many literals are in a text, in any case, in one pass.
//
// An automaton of RE2 makes a state for each new set of literals that a text has had so far, so every new text pays for new states. This looks
// up each three octets of the text in a table, and compares if a literal begins with them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// Sets `lower` to `text` in the case of RE2's literals: Unicode's simple case folding, for the letters that signatures have. Octets that aren't
/// UTF-8 stay.
void fold(std::string_view text, std::string& lower);

/// Immutable; safe from any thread.
class LiteralSet {
 public:
  /// The minimal length of a literal, in octets.
  static constexpr std::size_t kShortest = 3;

  LiteralSet() = default;
  /// Requires at most 65,535 literals, which are folded, different, and at least kShortest long.
  explicit LiteralSet(std::vector<std::string> literals);

  /// The numbers of the literals in `text`, once per occurrence. Requires a folded text. Linear in the text.
  [[nodiscard]] std::vector<int> found_in(std::string_view text) const;

 private:
  struct Literal {
    std::string octets;
    int number = 0;  ///< in the order of the constructor's argument
    int prefix = 0;  ///< the longest other literal with which this one begins; kNone: there is none
  };
  void add_beginnings(std::string_view text, std::size_t begin, std::size_t end, std::vector<int>& found) const;

  static constexpr int kNone = -1;
  static constexpr unsigned kTableBits = 14;

  // Sorted by the hash of their beginning, then by text: those with hash h are from begin_[h] to begin_[h + 1].
  std::vector<Literal> literals_;
  std::array<std::uint32_t, (1U << kTableBits) + 1> begin_{};
};

}  // namespace blowback::detect
