// Splits networks into halves: it walks a binary trie that is never built.
#include "export/flatten.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::cli {
namespace {

/// The length of the common prefix of two addresses of one family, in bits.
[[nodiscard]] int common_bits(const IpAddress& one, const IpAddress& other) {
  const int lead = 128 - one.bits();
  for (std::size_t i = 0; i < one.octets().size(); ++i) {
    const auto differs = static_cast<std::uint8_t>(one.octets()[i] ^ other.octets()[i]);
    if (differs != 0) return static_cast<int>(8 * i) + std::countl_zero(differs) - lead;
  }
  return one.bits();
}

/// The first address of the upper half. Requires a network of more than one address.
[[nodiscard]] IpAddress upper_half(const Prefix& prefix) {
  auto octets = prefix.first().octets();
  const auto bit = 128U - static_cast<std::size_t>(prefix.first().bits()) + static_cast<std::size_t>(prefix.length());
  octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | (0x80U >> (bit % 8)));
  return IpAddress::from_octets(octets);
}

class Cutter {
 public:
  explicit Cutter(const std::function<void(const Piece&)>& visit) : visit_(visit) {}

  /// `inside`: the pieces within `at`, sorted; `codes`: those of all addresses in `at`. The recursion is at most as deep as an
  /// address has bits.
  void cut(const Prefix& at, CodeSet codes, std::span<const Piece> inside) {  // NOLINT(misc-no-recursion)
    const auto before = codes;
    while (!inside.empty() && inside.front().prefix == at) {
      if (inside.front().codes.empty()) return;  // exempt, with everything in it
      codes |= inside.front().codes;
      inside = inside.subspan(1);
    }
    std::vector<Piece> tells;
    if (codes != before) {
      // A piece without further codes would only split the network.
      std::ranges::copy_if(inside, std::back_inserter(tells),
                           [&](const Piece& each) { return each.codes.empty() || (codes | each.codes) != codes; });
      inside = tells;
    }
    if (inside.empty()) {
      if (!codes.empty()) visit_({.prefix = at, .codes = codes});
      return;
    }
    if (codes.empty()) {
      // Nothing is listed around them, so go on with the smallest network that contains them all. The first piece starts
      // lowest and is the widest that starts there, so the first and the last determine that network.
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
    // The upper half of ::fffe:0:0/95 is the IPv4-mapped addresses.
    if (upper.family() == at.family()) cut(Prefix::covering(upper, at.length() + 1), codes, inside.subspan(in_lower));
  }

 private:
  const std::function<void(const Piece&)>& visit_;
};

}  // namespace

void for_each_piece(std::vector<Piece> input, const std::function<void(const Piece&)>& visit) {
  std::ranges::sort(input, walked_before, &Piece::prefix);
  const auto v6 = std::ranges::find(input, Family::ipv6, [](const Piece& each) { return each.prefix.family(); });
  Cutter cutter(visit);
  for (const std::span<const Piece> family :
       {std::span<const Piece>(input.begin(), v6), std::span<const Piece>(v6, input.end())}) {
    if (!family.empty()) cutter.cut(Prefix::covering(family.front().prefix.first(), 0), {}, family);
  }
}

}  // namespace blowback::cli
