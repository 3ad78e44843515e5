// What the server counts, as a value that can be added up, shown and exported.
#pragma once

#include "answer/cookie.h"
#include "answer/outcome.h"
#include "blowback/kind.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace blowback::net {

/// QTYPEs that are counted by name; the last stands for all others.
enum class QueryType : std::uint8_t { a, aaaa, txt, ns, soa, mx, any, other };
inline constexpr std::size_t kQueryTypes = 8;
[[nodiscard]] QueryType query_type(std::uint16_t type);
/// `A`, …, `other`.
[[nodiscard]] std::string_view name_of(QueryType type);

/// RCODEs as they stand in a header.
inline constexpr std::size_t kRcodes = 16;
/// `NOERROR`, …; `RCODE12` and such where there is no name.
[[nodiscard]] std::string_view rcode_name(std::size_t rcode);

inline constexpr std::size_t kCookieStates = 5;
[[nodiscard]] std::string_view name_of(answer::CookieState state);

/// Step n of the latency histogram holds what took less than 2^n microseconds, and not less than half of that; the last all
/// else.
inline constexpr std::size_t kLatencySteps = 22;
[[nodiscard]] constexpr std::size_t latency_step(std::chrono::nanoseconds time) {
  const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()) / 1000);
  return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(microseconds)), kLatencySteps - 1);
}

struct Counts {
  Counts& operator+=(const Counts& other);

  /// Of one transport. Every query has one outcome, type, family and cookie state; those that were met with silence have no
  /// RCODE.
  struct Answered {
    std::array<std::uint64_t, answer::kOutcomes> by_outcome{};
    /// Family of the client's address, then QTYPE.
    std::array<std::array<std::uint64_t, kQueryTypes>, 2> by_family_and_type{};
    std::array<std::uint64_t, kRcodes> by_rcode{};
    std::array<std::uint64_t, kAllCodes.size()>
        hits{};  ///< answers that gave this code; a listed address may give several
    std::array<std::uint64_t, kCookieStates> by_cookie{};
    std::uint64_t truncated = 0;     ///< replies with TC, slipped ones included
    std::uint64_t slipped = 0;       ///< beyond the rate limit, sent back empty with TC
    std::uint64_t rate_limited = 0;  ///< beyond the rate limit, met with silence

    [[nodiscard]] std::uint64_t of(answer::Outcome outcome) const {
      return by_outcome[static_cast<std::size_t>(outcome)];
    }
    [[nodiscard]] std::array<std::uint64_t, kQueryTypes> by_type() const;
    [[nodiscard]] std::array<std::uint64_t, 2> by_family() const;
    [[nodiscard]] std::uint64_t queries() const;
  };

  Answered udp;
  Answered tcp;
  std::uint64_t tcp_connections = 0;  ///< accepted
  std::uint64_t tcp_closed_idle = 0;  ///< closed by us: idle, too old, or to make room
  std::uint64_t send_failed = 0;      ///< datagrams that the kernel wouldn't take
  std::uint64_t kernel_dropped = 0;   ///< datagrams that came while a socket's buffer was full: never seen by us
  /// Queries by UDP, by the time from being read to their reply's being handed over, with all that came in one batch.
  std::array<std::uint64_t, kLatencySteps> latency{};
  std::uint64_t latency_nanoseconds = 0;  ///< of all these together
};

}  // namespace blowback::net
