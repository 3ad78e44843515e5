// Finds which of many literals are in a text, in any case, in one pass.
//
// An automaton of RE2 makes a state for each new set of literals that a text has had so far, so every new text pays for new states. This looks
// up each four octets of the text in a table, and compares if a literal begins with them.
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
  /// A literal in a text.
  struct Occurrence {
    std::uint32_t number = 0;    ///< of the literal, in the order of the constructor's argument
    std::uint32_t position = 0;  ///< of its first octet
  };

  LiteralSet() = default;
  /// Requires at most 65,535 literals, which are folded, different, and at least kShortest long.
  explicit LiteralSet(std::vector<std::string> literals);

  /// The literals in `text`, which is folded and shorter than 4 GiB, in the order of their positions. Linear in the text.
  [[nodiscard]] std::vector<Occurrence> found_in(std::string_view text) const;

  /// Adds the literals that begin at `position`.
  void add_beginnings(std::string_view text, std::uint32_t position, std::vector<Occurrence>& found) const;

 private:
  struct Literal {
    std::string octets;
    std::uint32_t number = 0;
    int prefix = 0;  ///< the longest other literal with which this one begins; kNone: there is none
  };
  [[nodiscard]] bool may_begin(std::uint32_t hash) const { return (is_beginning_[hash / 64] >> (hash % 64) & 1U) != 0; }
  void add_those_with(std::uint32_t hash, std::string_view text, std::uint32_t position,
                      std::vector<Occurrence>& found) const;

  static constexpr int kNone = -1;
  static constexpr unsigned kTableBits = 16;

  // Sorted by the hash of their beginning, of three or four octets, then by text: those with hash h are from begin_[h] to begin_[h + 1].
  std::vector<Literal> literals_;
  std::vector<std::uint32_t> begin_;
  // A bit per hash: whether there are any. Small enough for the processor's first cache, and nearly all that a text needs.
  std::array<std::uint64_t, (1U << kTableBits) / 64> is_beginning_{};
  bool has_short_ = false;  ///< literals of three octets
};

}  // namespace blowback::detect
