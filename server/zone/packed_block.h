// Some two hundred sorted numbers with what is said of each, packed into one run of octets: the leaf of a NetworkTable.
//
// Numbers are kept as the distance from the block's first, cut in two: the upper bits are told by which bucket an entry is
// in (one octet per bucket, some eight entries each), the lower ones stand bit by bit. Random IPv4 addresses of a list of ten
// million take 13 bits so, where the bound for any set of that size is 10.2. Codes and ends are kept once where all are the same
// (an import), else in as few octets as their span needs. An octet string, not objects: nothing in it to chase or to free.
#pragma once

#include "blowback/kind.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace blowback::zone {

/// Network numbers of IPv6 that are longer than 64 bits.
__extension__ using Number128 = unsigned __int128;

/// In seconds since 1970: an entry isn't in force from then on.
using EndSeconds = std::int64_t;
inline constexpr EndSeconds kNeverEnds = std::numeric_limits<EndSeconds>::max();

/// What one role says of one network. `Number`: the network's leading bits as a number.
template <typename Number>
struct NetworkEntry {
  Number number = 0;
  EndSeconds ends = kNeverEnds;
  CodeSet codes;  ///< empty for an exemption

  friend bool operator==(const NetworkEntry&, const NetworkEntry&) = default;
};

/// Number is std::uint32_t, std::uint64_t or Number128.
template <typename Number>
class PackedBlock {
 public:
  using Entry = NetworkEntry<Number>;
  static constexpr std::size_t kMost = 255;

  /// Requires 1 to kMost entries, ascending by number, without duplicates.
  explicit PackedBlock(std::span<const Entry> entries);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Number first() const;
  /// When the first of its entries ends; kNeverEnds where none does.
  [[nodiscard]] EndSeconds soonest_end() const;
  /// Those of all its entries together.
  [[nodiscard]] CodeSet codes() const;

  /// The place of the first entry whose number is at least `number`; size() where there is none.
  [[nodiscard]] std::size_t at_least(Number number) const;
  /// The entry with that number.
  [[nodiscard]] std::optional<Entry> find(Number number) const;
  /// The first place from `place` on whose entry has one of the codes `wanted`, or any place if that is empty; size() where there is none.
  [[nodiscard]] std::size_t next_with(CodeSet wanted, std::size_t place) const;
  /// Requires `place` < size().
  [[nodiscard]] Entry entry(std::size_t place) const;
  void append_to(std::vector<Entry>& entries) const;
  /// Has the processor fetch what `find` reads first.
  void prefetch() const;
  /// And what it reads then; costs waiting for the first, so other blocks' first are better asked for meanwhile.
  void prefetch(Number number) const;
  /// Octets that it takes, without what the allocator adds.
  [[nodiscard]] std::size_t octets() const;

 private:
  struct Head;
  [[nodiscard]] Head head() const;
  [[nodiscard]] Number low_bits(const Head& head, std::size_t place) const;
  /// Where a number is, or would be.
  struct Place {
    std::size_t at = 0;
    bool found = false;
  };
  [[nodiscard]] Place place_of(const Head& head, Number number) const;
  [[nodiscard]] Entry entry(const Head& head, std::size_t place, Number number) const;
  [[nodiscard]] Number number_at(const Head& head, std::size_t place) const;

  std::shared_ptr<const std::uint8_t[]>
      octets_;  // NOLINT(modernize-avoid-c-arrays): a run of octets with its count of owners
};

extern template class PackedBlock<std::uint32_t>;
extern template class PackedBlock<std::uint64_t>;
extern template class PackedBlock<Number128>;

}  // namespace blowback::zone
