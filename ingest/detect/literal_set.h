// Which of many literals stand in a text, whatever their case: one pass, no automaton to grow.
//
// An automaton of RE2 makes a state for each new set of literals that a text has had so far, so every new text pays for new states.
// This looks up each three octets of the text in a table, and where a literal begins with them, compares.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// Makes `lower` `text` in the lower case that RE2's literals are in: Unicode's simple case folding, for the letters that signatures
/// have. What is no UTF-8 stays.
void fold(std::string_view text, std::string& lower);

/// Immutable; safe from any thread.
class LiteralSet {
 public:
  /// The shortest that a literal may be, in octets.
  static constexpr std::size_t kShortest = 3;

  LiteralSet() = default;
  /// Requires literals that are folded, different, at least kShortest long, and at most 65,535 of them.
  explicit LiteralSet(std::vector<std::string> literals);

  /// Numbers of those that stand in `text`, as often as they do. Requires a folded text. Linear in the text.
  [[nodiscard]] std::vector<int> found_in(std::string_view text) const;

 private:
  struct Literal {
    std::string octets;
    int number = 0;  ///< in the order that they were given
    int prefix = 0;  ///< the longest other literal that this one begins with, kNone without
  };
  void add_beginnings(std::string_view text, std::size_t begin, std::size_t end, std::vector<int>& found) const;

  static constexpr int kNone = -1;
  static constexpr unsigned kTableBits = 14;

  // By what they begin with, hashed, and in order among those of one hash: those of hash h are begin_[h] to begin_[h + 1].
  std::vector<Literal> literals_;
  std::array<std::uint16_t, (1U << kTableBits) + 1> begin_{};
};

}  // namespace blowback::detect
