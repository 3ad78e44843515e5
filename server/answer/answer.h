// Turns the octets of a query into those of the reply: all of the server's DNS, without sockets and without a clock.
#pragma once

#include "answer/cookie.h"
#include "answer/outcome.h"
#include "answer/rate_limit.h"
#include "answer/served_zone.h"
#include "answer/tsig.h"
#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/unix_time.h"
#include "zone/view.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::answer {

enum class Transport : std::uint8_t { udp, tcp };

/// A query as received.
struct Asked {
  std::span<const std::uint8_t> message;
  IpAddress client;
  Transport transport = Transport::udp;
};

struct Moment {
  UnixTime now{};
  std::chrono::milliseconds steady{};  ///< since a fixed instant; for the rate limit
};

/// The largest reply, and so the size of the buffer for it.
inline constexpr std::size_t kLongestUdpReply = 1232;
inline constexpr std::size_t kLongestTcpReply = 65535;

/// What the reply is, and what to count.
struct Answer {
  std::size_t size = 0;  ///< of the reply, in octets; 0: no reply
  Outcome outcome = Outcome::dropped;
  Limited limited = Limited::no;
  bool truncated = false;
  std::uint8_t rcode = 0;  ///< as in the header: the lower four bits
  std::uint16_t type = 0;  ///< the QTYPE; 0 if it couldn't be read
  CodeSet codes;           ///< the codes of a listed address
  CookieState cookie = CookieState::none;
  TsigState tsig = TsigState::none;

  friend bool operator==(const Answer&, const Answer&) = default;
};

/// Whether it refuses a transfer to somebody who may not have the zone.
[[nodiscard]] bool refuses_transfer(const Answer& answer);

/// Accepts any octets. Requires that `reply` has room for the largest reply of the transport. `limiter` may be nullptr; it is used for
/// UDP only, and by one thread at a time. Otherwise safe from any thread. Allocates nothing.
/// The outcome `transfer` has no reply: the whole zone is to be sent, as read_transfer_request says.
[[nodiscard]] Answer answer(const Asked& asked, const ServedZones& zones, const zone::View& view, const Moment& moment,
                            RateLimiter* limiter, std::span<std::uint8_t> reply);

/// The same for many queries, each with its own reply buffer and answer; their memory accesses overlap. Requires as many `replies` and
/// `answers` as queries.
void answer_all(std::span<const Asked> asked, const ServedZones& zones, const zone::View& view, const Moment& moment,
                RateLimiter* limiter, std::span<const std::span<std::uint8_t>> replies, std::span<Answer> answers);

/// The same result, byte for byte, by the plain path, which builds each reply from ldns's objects: the reference for `answer` in tests.
[[nodiscard]] Answer answer_plainly(const Asked& asked, const ServedZones& zones, const zone::View& view,
                                    const Moment& moment, RateLimiter* limiter, std::span<std::uint8_t> reply);

}  // namespace blowback::answer
