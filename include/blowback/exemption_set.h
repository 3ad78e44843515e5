// The set of exempt networks, for code that looks up many addresses: imports of a million lines, recording, scoring a record again.
//
// A look-up costs one hash per prefix length in the set (operators use a handful), however many exemptions there are. To print
// exemptions use std::vector<Exemption>, which has their order and reasons.
#pragma once

#include "blowback/listing.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

namespace blowback {

class ExemptionSet {
 public:
  /// Exempt until `expires_at`; absent: without end. Replaces an exemption of the same prefix.
  void insert(const Prefix& prefix, std::optional<UnixTime> expires_at);
  /// Does nothing if it isn't in the set.
  void erase(const Prefix& prefix);
  /// Whether a single exemption that is in force at `at` covers all of `prefix`.
  [[nodiscard]] bool covers(const Prefix& prefix, UnixTime at) const;
  [[nodiscard]] bool covers(const IpAddress& address, UnixTime at) const { return covers(Prefix::of(address), at); }

 private:
  using Lengths = std::array<std::uint32_t, 129>;
  [[nodiscard]] static std::size_t index_of(Family family) { return family == Family::ipv4 ? 0 : 1; }

  std::unordered_map<Prefix, std::optional<UnixTime>> ends_;
  std::array<Lengths, 2> count_{};  ///< number of prefixes by family and length
};

}  // namespace blowback
