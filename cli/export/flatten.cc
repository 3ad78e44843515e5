// Cutting by halves: a binary trie that is walked, and never built.
#include "export/flatten.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::cli {
namespace {

/// How many bits two addresses of one family have in common at their beginning.
[[nodiscard]] int common_bits(const IpAddress& one, const IpAddress& other) {
  const int lead = 128 - one.bits();
  for (std::size_t i = 0; i < one.octets().size(); ++i) {
    const auto differs = static_cast<std::uint8_t>(one.octets()[i] ^ other.octets()[i]);
    if (differs != 0) return static_cast<int>(8 * i) + std::countl_zero(differs) - lead;
  }
  return one.bits();
}

/// The first address of the upper half. Requires that there are halves.
[[nodiscard]] IpAddress upper_half(const Prefix& prefix) {
  auto octets = prefix.first().octets();
  const auto bit = 128U - static_cast<std::size_t>(prefix.first().bits()) + static_cast<std::size_t>(prefix.length());
  octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | (0x80U >> (bit % 8)));
  return IpAddress::from_octets(octets);
}

class Cutter {
 public:
  explicit Cutter(const std::function<void(const Piece&)>& visit) : visit_(visit) {}

  /// `inside`: what lies within `at`, sorted; `codes`: what all of `at` answers with. Recurses as deep as an address has bits.
  void cut(const Prefix& at, CodeSet codes, std::span<const Piece> inside) {  // NOLINT(misc-no-recursion)
    const auto before = codes;
    while (!inside.empty() && inside.front().prefix == at) {
      if (inside.front().codes.empty()) return;  // exempt, with all that is in it
      codes |= inside.front().codes;
      inside = inside.subspan(1);
    }
    std::vector<Piece> tells;
    if (codes != before) {
      // What says nothing new would only cut the network in pieces.
      std::ranges::copy_if(inside, std::back_inserter(tells),
                           [&](const Piece& each) { return each.codes.empty() || (codes | each.codes) != codes; });
      inside = tells;
    }
    if (inside.empty()) {
      if (!codes.empty()) visit_({.prefix = at, .codes = codes});
      return;
    }
    if (codes.empty()) {
      // Nothing to say around them: straight to the smallest network that holds them all. The first starts lowest and is
      // the widest that starts there, so it and the last one decide.
      const auto& first = inside.front().prefix;
      const auto close = Prefix::covering(
          first.first(), std::min(first.length(), common_bits(first.first(), inside.back().prefix.first())));
      if (close != at) {
        cut(close, codes, inside);
        return;
      }
    }
    const auto lower = Prefix::covering(at.first(), at.length() + 1);
    const auto middle =
        std::ranges::partition_point(inside, [&](const Piece& each) { return lower.contains(each.prefix); });
    const auto in_lower = static_cast<std::size_t>(middle - inside.begin());
    cut(lower, codes, inside.first(in_lower));
    const auto upper = upper_half(at);
    // The upper half of ::fffe:0:0/95 is the mapped IPv4 addresses.
    if (upper.family() == at.family()) cut(Prefix::covering(upper, at.length() + 1), codes, inside.subspan(in_lower));
  }

 private:
  const std::function<void(const Piece&)>& visit_;
};

}  // namespace

void for_each_piece(std::vector<Piece> laid, const std::function<void(const Piece&)>& visit) {
  std::ranges::sort(laid, [](const Piece& a, const Piece& b) {
    if (a.prefix.family() != b.prefix.family()) return a.prefix.family() == Family::ipv4;
    return a.prefix < b.prefix;
  });
  const auto v6 = std::ranges::find(laid, Family::ipv6, [](const Piece& each) { return each.prefix.family(); });
  Cutter cutter(visit);
  for (const std::span<const Piece> family :
       {std::span<const Piece>(laid.begin(), v6), std::span<const Piece>(v6, laid.end())}) {
    if (!family.empty()) cutter.cut(Prefix::covering(family.front().prefix.first(), 0), {}, family);
  }
}

}  // namespace blowback::cli
