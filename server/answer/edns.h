// The OPT record of a reply (RFC 6891), and how large a reply may be. Private to this room.
#pragma once

#include "answer/answer.h"
#include "answer/served_zone.h"
#include "decide.h"
#include "query.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace blowback::answer {

/// The UDP payload size that we advertise and use: small enough to avoid fragmentation (DNS flag day 2020).
inline constexpr std::uint16_t kUdpPayload = kLongestUdpReply;

/// The largest reply to a query with `edns`, in octets.
[[nodiscard]] inline std::size_t reply_limit(const std::optional<Edns>& edns, bool tcp) {
  if (tcp) return kLongestTcpReply;
  constexpr std::size_t kPlainLimit = 512;  // RFC 1035 §4.2.1
  if (!edns) return kPlainLimit;
  // RFC 6891 §6.2.3: less than 512 counts as 512.
  return std::clamp<std::size_t>(edns->payload, kPlainLimit, kUdpPayload);
}

/// An OPT record in wire format; empty: none.
class OptRecord {
 public:
  /// The sum of fixed part, NSID, cookie, keepalive and extended error at their longest.
  static constexpr std::size_t kLongest = 128;

  [[nodiscard]] Wire octets() const { return std::span(octets_).first(size_); }
  void put16(std::size_t value);
  void put(Wire octets);

 private:
  std::array<std::uint8_t, kLongest> octets_;  // filled as far as size_ says
  std::size_t size_ = 0;
};

/// The OPT of the reply to a query with `edns`: our payload size, version 0, the query's DO bit; NSID and keepalive if requested, the
/// cookie if it isn't empty, the extended error if there is one. Empty if the query had no OPT.
[[nodiscard]] OptRecord opt_record(const std::optional<Edns>& edns, const ServedZone& zone, Wire cookie, bool tcp,
                                   Rcode rcode, std::optional<ExtendedError> error);

}  // namespace blowback::answer
