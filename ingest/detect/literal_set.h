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
  explicit LiteralSet(const std::vector<std::string>& literals);

  /// The literals in `text`, which is folded and shorter than 4 GiB, in the order of their positions. Linear in the text.
  [[nodiscard]] std::vector<Occurrence> found_in(std::string_view text) const;
  /// Adds them to `found`.
  void add_found_in(std::string_view text, std::vector<Occurrence>& found) const;

  /// Adds the literals that begin at `position`.
  void add_beginnings(std::string_view text, std::uint32_t position, std::vector<Occurrence>& found) const;

 private:
  struct Literal {
    std::uint64_t head = 0;   ///< its first octets, as a number that sorts as they do
    std::uint32_t begin = 0;  ///< in octets_
    std::uint32_t length = 0;
    std::uint32_t number = 0;
    int prefix = 0;  ///< the longest other literal with which this one begins; kNone: there is none
  };
  [[nodiscard]] std::string_view octets_of(const Literal& literal) const {
    return std::string_view(octets_).substr(literal.begin, literal.length);
  }
  [[nodiscard]] const Literal& at(int index) const { return literals_[static_cast<std::size_t>(index)]; }
  // Literals are looked up by their first octets, as many as they have of these.
  static constexpr std::array<std::size_t, 3> kKeys{6, 4, kShortest};
  // A table of those with keys of one length, by the hash of the key.
  struct Table {
    unsigned bits = 1;
    std::vector<std::uint32_t>
        begin;  ///< where those of each hash begin in literals_; they end where the next ones begin
  };
  template <std::size_t octets>
  void add_those_with_key(const Table& table, std::uint64_t head, std::string_view text, std::uint32_t position,
                          std::vector<Occurrence>& found) const;
  void add_those_between(std::size_t begin, std::size_t end, std::uint64_t head, std::string_view text,
                         std::uint32_t position, std::vector<Occurrence>& found) const;

  static constexpr int kNone = -1;

  std::string octets_;             ///< of all literals, one after the other
  std::vector<Literal> literals_;  ///< sorted by the length of their key, its hash, then by text
  std::array<Table, kKeys.size()> tables_;
  // By the hash of three octets: a bit for each fourth octet with which any literal goes on. Small enough for the processor's first cache, and all
  // that most positions of a text need.
  unsigned filter_bits_ = 1;
  std::vector<std::uint32_t> fourths_;
};

}  // namespace blowback::detect
