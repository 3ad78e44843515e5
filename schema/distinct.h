// Counts distinct things in a few hundred octets: keeps the smallest hashes of all that were seen (k minimum values).
//
// Exact up to `kKept` distinct things; beyond that an estimate with a standard error of about 1/8. Two sketches can be merged. Bar-Yossef et al., "Counting Distinct Elements in a Data Stream" (2002).
#pragma once

#include "blowback/accusation.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace blowback::schema {

class Distinct {
 public:
  static constexpr std::size_t kKept = 64;

  Distinct() = default;
  /// The inverse of `octets`; ignores an incomplete hash at the end.
  explicit Distinct(std::span<const std::uint8_t> octets);

  void add(PartKey thing);
  /// True: it changed.
  bool merge(const Distinct& other);
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] bool is_exact() const { return hashes_.size() < kKept; }
  /// Ascending, big-endian.
  [[nodiscard]] std::vector<std::uint8_t> octets() const;

 private:
  bool insert(std::uint64_t hash);
  std::vector<std::uint64_t> hashes_;  ///< ascending, distinct, at most kKept
};

}  // namespace blowback::schema
