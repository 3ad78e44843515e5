// DNS cookies (RFC 7873) with interoperable server cookies (RFC 9018): they show that a client receives what is sent to its address, so
// that the address isn't forged.
//
// Pure: the check depends on the cookie, the client's address, the time and our secrets; nothing is stored per client. query.h finds
// the option in a query, edns.h writes it into the reply. Nothing here allocates.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/unix_time.h"
#include "config/config.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace blowback::answer {

inline constexpr std::uint16_t kCookieOption = 10;  ///< the EDNS option's code (RFC 7873 §4)
inline constexpr std::size_t kClientCookieOctets = 8;
inline constexpr std::size_t kCookieOctets = 24;  ///< of the option that we send: the client's cookie and ours

using CookieSecret = config::CookieSecret;
using ClientCookie = std::array<std::uint8_t, kClientCookieOctets>;

/// The secrets for making and checking server cookies. To change the secret of several servers behind one address (RFC 9018 §5): first
/// configure the new one as `other` on each, then make it `current` and the old one `other` on each, and remove the old one after an
/// hour. So every server always accepts the cookies of the others.
struct CookieSecrets {
  CookieSecret current;               ///< for new cookies
  std::optional<CookieSecret> other;  ///< the previous or the next one: accepted as well

  /// `random` is used if the config has no secret. It must come from the system's random source, and stay the same until the process
  /// ends: with a new one, all clients' cookies become invalid.
  [[nodiscard]] static CookieSecrets of(const config::Server& server, const CookieSecret& random);
};

enum class CookieState : std::uint8_t {
  none,         ///< the query has no COOKIE option; check_cookie never returns it
  malformed,    ///< not 8 or 16 to 40 octets: FORMERR (RFC 7873 §5.2.2)
  client_only,  ///< the client has no server cookie yet (§5.2.3)
  bad,          ///< not made by us for this address, too old, or from the future (§5.2.4)
  good,         ///< the client's address isn't forged, unless the attacker can read its traffic (§5.2.5)
};

struct CookieCheck {
  CookieState state = CookieState::none;
  /// Whether the client should get a new server cookie: it sent none, a bad one, one older than half an hour (RFC 9018 §4.3), or one of
  /// another secret. Otherwise its own 24 octets can be returned.
  bool renew = false;
  ClientCookie client_cookie{};  ///< zeros if `state` is none or malformed
};

/// `option` is the data of the query's first COOKIE option. A server cookie is accepted for an hour, and up to five minutes
/// early, since the clocks of servers that share a secret differ (RFC 9018 §4.3). Accepts any octets. Costs one SipHash, or two if
/// `secrets` has another. Pure.
[[nodiscard]] CookieCheck check_cookie(std::span<const std::uint8_t> option, const IpAddress& client, UnixTime now,
                                       const CookieSecrets& secrets);

/// The data of the reply's COOKIE option: the client's cookie, and a server cookie of `now` for it at that address, by the
/// current secret (RFC 9018 §4). Pure.
[[nodiscard]] std::array<std::uint8_t, kCookieOctets> make_cookie(const ClientCookie& client_cookie,
                                                                  const IpAddress& client, UnixTime now,
                                                                  const CookieSecrets& secrets);

}  // namespace blowback::answer
