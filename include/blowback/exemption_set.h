// Which networks are exempt, for those who ask about many addresses: importing a million lines, recording, reckoning anew.
//
// A look-up costs one hash per prefix length that occurs (operators use a handful), however many exemptions there are. Text and
// order are in std::vector<Exemption>, for those who print.
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
  /// Exempt until `expires_at`, or for good. Replaces what was said of the same prefix.
  void put(const Prefix& prefix, std::optional<UnixTime> expires_at);
  /// Nothing happens if it isn't there.
  void erase(const Prefix& prefix);
  /// Whether one exemption that is in force at `at` covers the whole of `prefix`.
  [[nodiscard]] bool covers(const Prefix& prefix, UnixTime at) const;
  /// Whether one covers the address.
  [[nodiscard]] bool covers(const IpAddress& address, UnixTime at) const { return covers(Prefix::of(address), at); }

 private:
  using Lengths = std::array<std::uint32_t, 129>;
  [[nodiscard]] static std::size_t place_of(Family family) { return family == Family::ipv4 ? 0 : 1; }

  std::unordered_map<Prefix, std::optional<UnixTime>> ends_;
  std::array<Lengths, 2> count_{};  ///< how many prefixes of that family there are, by length
};

}  // namespace blowback
