// The server's counts, as a value that can be added and shown.
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

/// QTYPEs that are counted separately; the last one stands for all others.
enum class QueryType : std::uint8_t { a, aaaa, txt, ns, soa, mx, any, axfr, ixfr, other };
inline constexpr std::size_t kQueryTypes = 10;
[[nodiscard]] QueryType query_type(std::uint16_t type);
/// `A`, …, `other`.
[[nodiscard]] std::string_view name_of(QueryType type);

/// RCODEs in a header.
inline constexpr std::size_t kRcodes = 16;
/// `NOERROR`, …; `RCODE12` and so on if there is no name.
[[nodiscard]] std::string_view rcode_name(std::size_t rcode);

inline constexpr std::size_t kCookieStates = 5;
[[nodiscard]] std::string_view name_of(answer::CookieState state);

/// Step n of the latency histogram counts what took less than 2^n microseconds, but at least half of that; the last one has no upper
/// limit.
inline constexpr std::size_t kLatencySteps = 22;
[[nodiscard]] constexpr std::size_t latency_step(std::chrono::nanoseconds time) {
  const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()) / 1000);
  return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(microseconds)), kLatencySteps - 1);
}

struct Counts {
  /// Of one transport. Every query has one outcome, type, family and cookie state; those without a reply have no RCODE.
  struct Answered {
    std::array<std::uint64_t, answer::kOutcomes> by_outcome{};
    /// Family of the client's address, then QTYPE.
    std::array<std::array<std::uint64_t, kQueryTypes>, 2> by_family_and_type{};
    std::array<std::uint64_t, kRcodes> by_rcode{};
    std::array<std::uint64_t, kAllCodes.size()> hits{};  ///< answers with this code; an answer may have several
    std::array<std::uint64_t, kCookieStates> by_cookie{};
    std::uint64_t truncated = 0;          ///< replies with TC, including slipped ones
    std::uint64_t slipped = 0;            ///< over the rate limit, sent empty with TC
    std::uint64_t rate_limited = 0;       ///< over the rate limit, not answered
    std::uint64_t transfers_refused = 0;  ///< AXFR and IXFR, refused

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
  std::uint64_t tcp_closed_idle = 0;  ///< closed by the server: idle, too old, or replaced by a new one
  std::uint64_t send_failed = 0;      ///< datagrams that the kernel refused to send
  std::uint64_t kernel_dropped = 0;   ///< datagrams that the kernel dropped since a socket's buffer was full
  /// UDP queries by latency: from reading a batch to sending its replies.
  std::array<std::uint64_t, kLatencySteps> latency{};
  std::uint64_t latency_nanoseconds = 0;  ///< the sum over all of these
};

}  // namespace blowback::net
