// Listings and exemptions; and the journal of their changes, which servers and mirrors follow.
#pragma once

#include "blowback/kind.h"
#include "blowback/prefix.h"
#include "blowback/unix_time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blowback {

/// Who made a listing. A prefix may have one of each source; they don't affect each other.
enum class Source : std::uint8_t { automatic, by_operator };

/// `automatic`, `operator`.
[[nodiscard]] std::string_view name_of(Source source);

struct Listing {
  Prefix prefix;
  Source source = Source::automatic;
  /// Its A records; `by_operator` for an operator's listing.
  CodeSet codes;
  UnixTime listed_at{};
  /// The first second in which it isn't in force any more. Absent: it has no end, until the operator delists it.
  std::optional<UnixTime> expires_at;
  /// The operator's reason; "" for an automatic listing.
  std::string reason;

  [[nodiscard]] bool in_force(UnixTime now) const { return !expires_at || now < *expires_at; }
  friend bool operator==(const Listing&, const Listing&) = default;
};

/// An operator's exception: no address in it counts as listed, whatever listings there are.
struct Exemption {
  Prefix prefix;
  UnixTime since{};
  std::optional<UnixTime> expires_at;
  std::string reason;

  [[nodiscard]] bool in_force(UnixTime now) const { return !expires_at || now < *expires_at; }
  friend bool operator==(const Exemption&, const Exemption&) = default;
};

/// The number of a change, ascending without gaps from 1; 0 is the empty list. The zone's SOA serial is its low 32 bits,
/// where RFC 1982's arithmetic takes over.
using Serial = std::uint64_t;

struct ListingChange {
  enum class Action : std::uint8_t {
    listed,           ///< new, or listed again
    prolonged,        ///< expiry or codes moved
    delisted,         ///< by the operator, or because of an exemption
    expired,          ///< it had reached its end; written when it is removed
    exempted,         ///< here and below, source is by_operator and codes is empty
    exemption_ended,  ///< by the operator, or because it reached its end
  };

  Serial serial = 0;
  UnixTime at{};
  Action action = Action::listed;
  Prefix prefix;
  Source source = Source::automatic;
  CodeSet codes;
  std::optional<UnixTime> expires_at;
};

/// `listed`, `prolonged`, …
[[nodiscard]] std::string_view name_of(ListingChange::Action action);

}  // namespace blowback
