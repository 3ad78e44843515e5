// One binary search finds all literals with which the rest of a text begins: the greatest literal that isn't greater than it begins with all
// of them, since everything that sorts between a literal and a text that begins with it begins with it, too.
#include "literal_set.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace blowback::detect {
namespace {

// Simple case folding (Unicode's CaseFolding.txt, C and S) for the alphabets of signatures. A unit test compares it with RE2, for every letter
// that a signature has.
struct Folding {
  char32_t first;
  char32_t last;
  int distance;
  char32_t step;  ///< 2 where capital and small letters alternate
};
constexpr std::array kFoldings = std::to_array<Folding>({
    {0xB5, 0xB5, 0x3BC - 0xB5, 1},     // micro sign
    {0xC0, 0xD6, 32, 1},               // Latin-1
    {0xD8, 0xDE, 32, 1},               //
    {0x100, 0x12E, 1, 2},              // Latin Extended-A
    {0x132, 0x136, 1, 2},              //
    {0x139, 0x147, 1, 2},              //
    {0x14A, 0x176, 1, 2},              //
    {0x178, 0x178, 0xFF - 0x178, 1},   //
    {0x179, 0x17D, 1, 2},              //
    {0x17F, 0x17F, 's' - 0x17F, 1},    // long s
    {0x18F, 0x18F, 0x259 - 0x18F, 1},  // Azerbaijani schwa
    {0x1A0, 0x1A4, 1, 2},              // Vietnamese horns
    {0x1AF, 0x1AF, 1, 1},              //
    {0x1CD, 0x1DB, 1, 2},              // Pinyin
    {0x1DE, 0x1EE, 1, 2},              //
    {0x1F8, 0x21E, 1, 2},              // among them Romanian commas
    {0x222, 0x232, 1, 2},              //
    {0x345, 0x345, 0x3B9 - 0x345,
     1},                    // Greek, with the forms that letters have at a word's end, beneath others, in formulas
    {0x386, 0x386, 38, 1},  //
    {0x388, 0x38A, 37, 1},  //
    {0x38C, 0x38C, 64, 1},  //
    {0x38E, 0x38F, 63, 1},  //
    {0x391, 0x3A1, 32, 1},  //
    {0x3A3, 0x3AB, 32, 1},  //
    {0x3C2, 0x3C2, 1, 1},   //
    {0x3D0, 0x3D0, 0x3B2 - 0x3D0, 1},     //
    {0x3D1, 0x3D1, 0x3B8 - 0x3D1, 1},     //
    {0x3D5, 0x3D5, 0x3C6 - 0x3D5, 1},     //
    {0x3D6, 0x3D6, 0x3C0 - 0x3D6, 1},     //
    {0x3F0, 0x3F0, 0x3BA - 0x3F0, 1},     //
    {0x3F1, 0x3F1, 0x3C1 - 0x3F1, 1},     //
    {0x3F4, 0x3F4, 0x3B8 - 0x3F4, 1},     //
    {0x3F5, 0x3F5, 0x3B5 - 0x3F5, 1},     //
    {0x400, 0x40F, 80, 1},                // Cyrillic
    {0x410, 0x42F, 32, 1},                //
    {0x460, 0x480, 1, 2},                 //
    {0x48A, 0x4BE, 1, 2},                 //
    {0x4C0, 0x4C0, 15, 1},                //
    {0x4C1, 0x4CD, 1, 2},                 //
    {0x4D0, 0x52E, 1, 2},                 //
    {0x531, 0x556, 48, 1},                // Armenian
    {0x1C80, 0x1C80, 0x432 - 0x1C80, 1},  // Cyrillic letters of old prints
    {0x1C81, 0x1C81, 0x434 - 0x1C81, 1},  //
    {0x1C82, 0x1C82, 0x43E - 0x1C82, 1},  //
    {0x1C83, 0x1C84, 0x441 - 0x1C83, 1},  //
    {0x1C85, 0x1C85, 0x442 - 0x1C85, 1},  //
    {0x1C86, 0x1C86, 0x44A - 0x1C86, 1},  //
    {0x1E00, 0x1E94, 1, 2},               // Latin Extended Additional
    {0x1E9E, 0x1E9E, 0xDF - 0x1E9E, 1},   //
    {0x1EA0, 0x1EFE, 1, 2},               //
    {0x1FBE, 0x1FBE, 0x3B9 - 0x1FBE, 1},  // iota beneath
    {0x2126, 0x2126, 0x3C9 - 0x2126, 1},  // ohm
    {0x212A, 0x212A, 'k' - 0x212A, 1},    // kelvin
    {0x212B, 0x212B, 0xE5 - 0x212B, 1},   // angstrom
    {0xFF21, 0xFF3A, 32, 1},              // full-width Latin
});

[[nodiscard]] constexpr char32_t folding_of(char32_t letter) {
  for (const Folding& row : kFoldings) {
    if (letter < row.first) break;
    if (letter <= row.last && (letter - row.first) % row.step == 0) {
      return static_cast<char32_t>(static_cast<int>(letter) + row.distance);
    }
  }
  return letter;
}

// Letters of two octets, which is most of what isn't ASCII in European mail.
constexpr std::size_t kTwoOctets = 0x800;
constexpr auto kFolded = [] {
  std::array<char16_t, kTwoOctets> table{};
  for (char32_t letter = 0; letter < kTwoOctets; ++letter) table[letter] = static_cast<char16_t>(folding_of(letter));
  return table;
}();

[[nodiscard]] constexpr unsigned octet(char c) { return static_cast<unsigned char>(c); }
[[nodiscard]] constexpr bool continues(char c) { return (octet(c) & 0xC0U) == 0x80U; }
[[nodiscard]] constexpr bool is_ascii(char c) { return octet(c) < 0x80; }

constexpr auto kAsciiFolded = [] {
  std::array<char, 256> table{};
  for (unsigned c = 0; c < table.size(); ++c) table[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return table;
}();

[[nodiscard]] constexpr std::ptrdiff_t length_of(char32_t letter) {
  if (letter < 0x80) return 1;
  return letter < kTwoOctets ? 2 : 3;
}

// So that a folded text needs no more room than the text.
static_assert(std::ranges::all_of(kFoldings, [](const Folding& row) {
  return length_of(folding_of(row.first)) <= length_of(row.first) &&
         length_of(folding_of(row.last)) <= length_of(row.last);
}));

// Writes the UTF-8 (RFC 3629) of a letter below U+10000, and returns where it ends.
[[nodiscard]] char* write(char32_t letter, char* to) {
  if (letter < 0x80) {
    *to++ = static_cast<char>(letter);
    return to;
  }
  if (letter < kTwoOctets) {
    *to++ = static_cast<char>(0xC0U | (letter >> 6U));
  } else {
    *to++ = static_cast<char>(0xE0U | (letter >> 12U));
    *to++ = static_cast<char>(0x80U | ((letter >> 6U) & 0x3FU));
  }
  *to++ = static_cast<char>(0x80U | (letter & 0x3FU));
  return to;
}

// The length of a letter of two or three octets at the start of `text`; 0: there is none.
[[nodiscard]] std::size_t letter_length(std::string_view text) {
  const unsigned first = octet(text[0]);
  if (first >= 0xC2 && first <= 0xDF) return text.size() > 1 && continues(text[1]) ? 2 : 0;
  // Only these sequences of three octets have two cases; Chinese and Japanese characters begin at 0xE3.
  const bool is_of_two_cases = first == 0xE1 || first == 0xE2 || first == 0xEF;
  return is_of_two_cases && text.size() > 2 && continues(text[1]) && continues(text[2]) ? 3 : 0;
}

// Folds up to the first octet that isn't ASCII, and returns its position. Eight octets at a time, since most mail is ASCII.
[[nodiscard]] std::size_t fold_ascii(std::string_view text, char* to) {
  constexpr std::uint64_t kEach = 0x0101'0101'0101'0101;
  constexpr std::uint64_t kHighBits = 0x80 * kEach;
  std::size_t at = 0;
  for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if ((eight & kHighBits) != 0) break;
    // The high bits of the octets from `A` on, and of those beyond `Z`.
    const std::uint64_t from_a = eight + (0x80 - 'A') * kEach;
    const std::uint64_t beyond_z = eight + (0x80 - 'Z' - 1) * kEach;
    eight |= (from_a & ~beyond_z & kHighBits) >> 2U;  // 0x20
    std::memcpy(to + at, &eight, sizeof eight);
  }
  for (; at < text.size() && is_ascii(text[at]); ++at) to[at] = kAsciiFolded[octet(text[at])];
  return at;
}

// Knuth's multiplicative hashing.
[[nodiscard]] constexpr std::uint32_t hash_of(std::uint32_t octets, unsigned bits) {
  constexpr std::uint32_t kGolden = 0x9E3779B1;
  return (octets * kGolden) >> (32U - bits);
}
[[nodiscard]] constexpr std::uint64_t hash_of(std::uint64_t octets, unsigned bits) {
  constexpr std::uint64_t kGolden = 0x9E37'79B9'7F4A'7C15;
  return (octets * kGolden) >> (64U - bits);
}

[[nodiscard]] std::uint32_t four_octets(const char* at) {
  std::uint32_t four = 0;
  std::memcpy(&four, at, sizeof four);
  return four;
}

// The first three of four octets, as `three_octets` has them.
[[nodiscard]] constexpr std::uint32_t without_last(std::uint32_t four) {
  return std::endian::native == std::endian::little ? four & 0xFFFFFFU : four & 0xFFFFFF00U;
}

[[nodiscard]] std::uint32_t three_octets(const char* at) {
  std::uint32_t three = 0;
  std::memcpy(&three, at, 3);
  return three;
}

// An octet in a set of those that some literals go on with, which doesn't distinguish octets with the same lower five bits.
constexpr std::uint32_t kAnyOctet = ~std::uint32_t{0};
[[nodiscard]] constexpr std::uint32_t bit_of(char c) { return std::uint32_t{1} << (octet(c) % 32); }
[[nodiscard]] constexpr std::uint32_t has(std::uint32_t octets, char c) { return (octets >> (octet(c) % 32)) & 1U; }

// The first eight octets as a number that sorts as they do; a shorter text goes on with NULs.
[[nodiscard]] std::uint64_t head_of(std::string_view text) {
  std::uint64_t head = 0;
  if (text.size() >= sizeof head) [[likely]] {
    std::memcpy(&head, text.data(), sizeof head);
  } else {
    std::memcpy(&head, text.data(), text.size());
  }
  return std::endian::native == std::endian::little ? std::byteswap(head) : head;
}

}  // namespace

void fold(std::string_view text, std::string& lower) {
  lower.resize(text.size());
  char* to = lower.data();
  while (!text.empty()) {
    const std::size_t ascii = fold_ascii(text, to);
    to += ascii;
    text.remove_prefix(ascii);
    while (!text.empty() && !is_ascii(text[0])) {
      const std::size_t length = letter_length(text);
      if (length == 2) {
        to = write(kFolded[((octet(text[0]) & 0x1FU) << 6U) | (octet(text[1]) & 0x3FU)], to);
      } else if (length == 3) {
        const char32_t letter =
            ((octet(text[0]) & 0x0FU) << 12U) | ((octet(text[1]) & 0x3FU) << 6U) | (octet(text[2]) & 0x3FU);
        to = write(folding_of(letter), to);
      } else {
        *to++ = text[0];
      }
      text.remove_prefix(std::max<std::size_t>(length, 1));
    }
  }
  lower.resize(static_cast<std::size_t>(to - lower.data()));
}

LiteralSet::LiteralSet(const std::vector<std::string>& literals) {
  const auto key_of = [](std::string_view octets) {
    return static_cast<std::size_t>(std::ranges::find_if(kKeys, [&](std::size_t key) { return octets.size() >= key; }) -
                                    kKeys.begin());
  };
  // Tables are small where there are few literals, since a message is searched for those of many places in turn. But three quarters of a table or
  // more are free, if it isn't the largest.
  const auto bits_for = [](std::size_t count, unsigned most) {
    return std::min(static_cast<unsigned>(std::bit_width(count)) + 2, most);
  };
  std::array<std::size_t, kKeys.size()> counts{};
  for (const std::string& octets : literals) ++counts.at(key_of(octets));
  for (std::size_t key = 0; key < kKeys.size(); ++key) {
    constexpr unsigned kMost = 14;
    tables_.at(key).bits = bits_for(counts.at(key), kMost);
    tables_.at(key).begin.resize((std::size_t{1} << tables_.at(key).bits) + 1);
  }
  constexpr unsigned kMostOfFilter = 12;
  filter_bits_ = bits_for(literals.size(), kMostOfFilter);
  fourths_.resize(std::size_t{1} << filter_bits_);

  struct Place {
    std::size_t key = 0;
    std::size_t hash = 0;
    std::string_view octets;
    std::uint32_t number = 0;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  places.reserve(literals.size());
  for (const std::string& octets : literals) {
    const std::size_t key = key_of(octets);
    const std::uint64_t first = head_of(octets) >> (64 - 8 * kKeys.at(key));
    places.push_back({.key = key,
                      .hash = hash_of(first, tables_.at(key).bits),
                      .octets = octets,
                      .number = static_cast<std::uint32_t>(places.size())});
    fourths_[hash_of(three_octets(octets.data()), filter_bits_)] |= octets.size() > 3 ? bit_of(octets[3]) : kAnyOctet;
  }
  std::ranges::sort(places);
  literals_.reserve(places.size());
  for (const Place& place : places) {
    // The literal before it, or one with which that begins. One with a shorter key comes later, and is found by that.
    int prefix = static_cast<int>(literals_.size()) - 1;
    while (prefix != kNone && !place.octets.starts_with(octets_of(at(prefix)))) prefix = at(prefix).prefix;
    literals_.push_back({.head = head_of(place.octets),
                         .begin = static_cast<std::uint32_t>(octets_.size()),
                         .length = static_cast<std::uint32_t>(place.octets.size()),
                         .number = place.number,
                         .prefix = prefix});
    octets_ += place.octets;
  }
  std::size_t next = 0;
  for (std::size_t key = 0; key < kKeys.size(); ++key) {
    std::vector<std::uint32_t>& begin = tables_.at(key).begin;
    for (std::size_t hash = 0; hash < begin.size(); ++hash) {
      while (next < places.size() && places[next].key == key && places[next].hash < hash) ++next;
      begin[hash] = static_cast<std::uint32_t>(next);
    }
  }
}

std::vector<LiteralSet::Occurrence> LiteralSet::found_in(std::string_view text) const {
  std::vector<Occurrence> found;
  add_found_in(text, found);
  return found;
}

void LiteralSet::add_found_in(std::string_view text, std::vector<Occurrence>& found) const {
  if (literals_.empty() || text.size() < kShortest) return;
  // First the positions where one may begin, without a branch that depends on the text: of text for people it is every tenth, which no
  // processor can predict.
  std::array<std::uint32_t, 128> possible;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  const std::uint32_t* const fourths = fourths_.data();
  const unsigned bits = filter_bits_;
  const std::size_t last = text.size() - kShortest;  // four octets don't begin there
  for (std::size_t at = 0; at < last;) {
    std::size_t count = 0;
    for (const std::size_t end = std::min(at + possible.size(), last); at < end; ++at) {
      const std::uint32_t three = without_last(four_octets(text.data() + at));
      possible[count] = static_cast<std::uint32_t>(at);
      count += has(fourths[hash_of(three, bits)], text[at + 3]);
    }
    for (std::size_t i = 0; i < count; ++i) add_beginnings(text, possible[i], found);
  }
  add_beginnings(text, static_cast<std::uint32_t>(last), found);
}

void LiteralSet::add_beginnings(std::string_view text, std::uint32_t position, std::vector<Occurrence>& found) const {
  text.remove_prefix(position);
  if (literals_.empty() || text.size() < kShortest) return;
  const std::uint64_t head = head_of(text);
  add_those_with_key<kKeys[0]>(tables_[0], head, text, position, found);
  add_those_with_key<kKeys[1]>(tables_[1], head, text, position, found);
  add_those_with_key<kKeys[2]>(tables_[2], head, text, position, found);
}

template <std::size_t octets>
inline void LiteralSet::add_those_with_key(const Table& table, std::uint64_t head, std::string_view text,
                                           std::uint32_t position, std::vector<Occurrence>& found) const {
  if (text.size() < octets) return;
  const std::uint32_t* const begin = &table.begin[hash_of(head >> (64 - 8 * octets), table.bits)];
  if (begin[0] != begin[1]) add_those_between(begin[0], begin[1], head, text, position, found);
}

void LiteralSet::add_those_between(std::size_t begin, std::size_t end, std::uint64_t head, std::string_view text,
                                   std::uint32_t position, std::vector<Occurrence>& found) const {
  while (end - begin > 1) {
    const std::size_t middle = begin + (end - begin) / 2;
    const Literal& literal = literals_[middle];
    const bool is_before = literal.head == head ? octets_of(literal) <= text : literal.head < head;
    (is_before ? begin : end) = middle;
  }
  const auto begins_with = [&](const Literal& literal) {
    const std::size_t compared = std::min<std::size_t>(literal.length, sizeof head);
    return ((literal.head ^ head) >> (8 * (sizeof head - compared))) == 0 && text.starts_with(octets_of(literal));
  };
  auto candidate = static_cast<int>(begin);
  while (candidate != kNone && !begins_with(at(candidate))) candidate = at(candidate).prefix;
  // The text also begins with the literals with which this one begins.
  for (; candidate != kNone; candidate = at(candidate).prefix) {
    found.push_back({.number = at(candidate).number, .position = position});
  }
}

}  // namespace blowback::detect
