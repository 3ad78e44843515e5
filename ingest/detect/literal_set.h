// Finds which of many literals are in a text, in any case, in one pass.
//
// An automaton of RE2 makes a state for each new set of literals that a text has had so far, so every new text pays for new states. This looks
// up each four octets of the text in a small table, and compares if a literal may begin with them.
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
    std::uint32_t begin = 0;  ///< in octets_
    std::uint32_t length = 0;
    std::uint32_t number = 0;
    int prefix = 0;  ///< the longest other literal with which this one begins; kNone: there is none
  };
  [[nodiscard]] std::string_view octets_of(const Literal& literal) const {
    return std::string_view(octets_).substr(literal.begin, literal.length);
  }
  [[nodiscard]] const Literal& at(int index) const { return literals_[static_cast<std::size_t>(index)]; }
  void add_those_with(std::uint32_t hash, std::string_view text, std::uint32_t position,
                      std::vector<Occurrence>& found) const;

  // Those whose beginning, of three or four octets, has the same hash.
  struct Bucket {
    std::uint32_t begin = 0;   ///< in literals_; they end where the next bucket begins
    std::uint64_t sixths = 0;  ///< a bit for each sixth octet with which any goes on; all if one is shorter
  };

  static constexpr int kNone = -1;
  static constexpr unsigned kTableBits = 13;
  static constexpr unsigned kFilterBits = 11;

  std::string octets_;             ///< of all literals, one after the other
  std::vector<Literal> literals_;  ///< sorted by bucket, then by text
  std::vector<Bucket> buckets_;    ///< by hash, and one more for the end
  // By the hash of three octets: a bit for each fourth octet with which any literal goes on. Small enough for the processor's first cache, and all
  // that most positions of a text need.
  std::array<std::uint64_t, 1U << kFilterBits> fourths_{};
  bool has_short_ = false;  ///< literals of three octets
};

}  // namespace blowback::detect
