#include "distinct.h"

#include <algorithm>

namespace blowback::schema {
namespace {

/// The keys of short texts differ little in their high bits; this mixes them (the finalizer of SplitMix64).
[[nodiscard]] std::uint64_t spread(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

}  // namespace

Distinct::Distinct(std::span<const std::uint8_t> octets) {
  for (; octets.size() >= 8 && hashes_.size() < kKept; octets = octets.subspan(8)) {
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < 8; ++i) hash = (hash << 8U) | octets[i];
    hashes_.push_back(hash);
  }
}

void Distinct::add(PartKey thing) { insert(spread(static_cast<std::uint64_t>(thing))); }

bool Distinct::merge(const Distinct& other) {
  bool changed = false;
  for (const auto hash : other.hashes_) changed |= insert(hash);
  return changed;
}

bool Distinct::insert(std::uint64_t hash) {
  if (hashes_.size() == kKept && hash >= hashes_.back()) return false;
  const auto at = std::ranges::lower_bound(hashes_, hash);
  if (at != hashes_.end() && *at == hash) return false;
  hashes_.insert(at, hash);
  if (hashes_.size() > kKept) hashes_.pop_back();
  return true;
}

std::uint64_t Distinct::count() const {
  if (is_exact()) return hashes_.size();
  const double share =
      static_cast<double>(hashes_.back()) / 0x1p64;  // the part of the range of hashes that the kept ones cover
  return static_cast<std::uint64_t>(static_cast<double>(kKept - 1) / share);
}

std::vector<std::uint8_t> Distinct::octets() const {
  std::vector<std::uint8_t> octets;
  octets.reserve(8 * hashes_.size());
  for (const auto hash : hashes_) {
    for (int shift = 56; shift >= 0; shift -= 8) octets.push_back(static_cast<std::uint8_t>(hash >> shift));
  }
  return octets;
}

}  // namespace blowback::schema
