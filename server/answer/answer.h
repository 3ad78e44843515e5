// From the octets of a query to the octets of a reply: the whole of what the server knows of DNS, without sockets or clock.
#pragma once

#include "answer/cookie.h"
#include "answer/outcome.h"
#include "answer/rate_limit.h"
#include "answer/served_zone.h"
#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/unix_time.h"
#include "zone/follower.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::answer {

enum class Transport : std::uint8_t { udp, tcp };

/// A query as it came.
struct Asked {
  std::span<const std::uint8_t> message;
  IpAddress client;
  Transport transport = Transport::udp;
};

struct Moment {
  UnixTime now{};
  std::chrono::milliseconds steady{};  ///< since any instant that stays the same; for the rate limit
};

/// A reply is written into a buffer of this size, and is at most so long.
inline constexpr std::size_t kLongestUdpReply = 1232;
inline constexpr std::size_t kLongestTcpReply = 65535;

/// What the reply is, and what there is to count of it.
struct Answer {
  std::size_t size = 0;  ///< of the reply, in octets; 0: silence
  Outcome outcome = Outcome::dropped;
  Limited limited = Limited::no;
  bool truncated = false;
  std::uint8_t rcode = 0;  ///< as in the header: the lower four bits
  std::uint16_t type = 0;  ///< the QTYPE; 0 where there was none to read
  CodeSet codes;           ///< of a listed address
  CookieState cookie = CookieState::none;

  friend bool operator==(const Answer&, const Answer&) = default;
};

/// Total: any octets are answered, or met with silence. Requires room in `reply` for the longest of that transport. `limiter`
/// may be nullptr; it is asked for UDP alone. One thread at a time may use a limiter; all else is safe from any thread. Allocates
/// nothing.
[[nodiscard]] Answer answer(const Asked& asked, const ServedZone& zone, const zone::View& view, const Moment& moment,
                            RateLimiter* limiter, std::span<std::uint8_t> reply);

/// The same for many queries, each with its own reply buffer and answer: their waiting for memory overlaps. Requires as many
/// `replies` and `answers` as are asked.
void answer_all(std::span<const Asked> asked, const ServedZone& zone, const zone::View& view, const Moment& moment,
                RateLimiter* limiter, std::span<const std::span<std::uint8_t>> replies, std::span<Answer> answers);

/// The same, and the same octets, by the plain path alone, which builds each reply of ldns's objects: what `answer` is held
/// against.
[[nodiscard]] Answer answer_plainly(const Asked& asked, const ServedZone& zone, const zone::View& view,
                                    const Moment& moment, RateLimiter* limiter, std::span<std::uint8_t> reply);

}  // namespace blowback::answer
