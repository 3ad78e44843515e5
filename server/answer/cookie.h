// DNS cookies (RFC 7873) with interoperable server cookies (RFC 9018): they tell a client that can receive what we send
// to its address from a forged one.
//
// Pure: what a cookie is worth follows from its octets, the client's address, the time and our secrets; nothing is kept per
// client. Finding the option in a query and writing it into a reply is edns.h. Nothing here allocates.
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

/// What makes server cookies and what they are checked by. To change the secret of several servers behind one address
/// (RFC 9018 §5): first each accepts the new one as its `other`, then each makes cookies with it and accepts the old one,
/// and after an hour the old one goes. Then no client ever shows a cookie that the next server doesn't know.
struct CookieSecrets {
  CookieSecret current;               ///< makes cookies
  std::optional<CookieSecret> other;  ///< the last one or the next one: accepted

  /// `random` serves where the config names none. It must come from the system's random source, and stay the same until
  /// the process ends: with a new one all clients' cookies are bad.
  [[nodiscard]] static CookieSecrets of(const config::Server& server, const CookieSecret& random);
};

enum class CookieState : std::uint8_t {
  none,         ///< the query has no COOKIE option; check_cookie never says so
  malformed,    ///< not 8 or 16 to 40 octets: FORMERR (RFC 7873 §5.2.2)
  client_only,  ///< the client has none of ours yet (§5.2.3)
  bad,          ///< not made by us for this address, too old, or from the future (§5.2.4)
  good,         ///< the client's address isn't forged, unless somebody reads its mail on the way (§5.2.5)
};

struct CookieCheck {
  CookieState state = CookieState::none;
  /// Whether the client should get another server cookie than it showed: it showed none, a bad one, one older than half an
  /// hour (RFC 9018 §4.3), or one that isn't made just as we make them now. Else its own 24 octets may go back as they are.
  bool renew = false;
  ClientCookie client_cookie{};  ///< zeros where `state` is none or malformed
};

/// `option` is the data of the query's first COOKIE option. A server cookie is accepted for an hour, and up to five minutes
/// early, since servers that share a secret don't quite share a clock (RFC 9018 §4.3). Total: any octets give a
/// CookieCheck. Costs a SipHash, two where `secrets` has another. Pure.
[[nodiscard]] CookieCheck check_cookie(std::span<const std::uint8_t> option, const IpAddress& client, UnixTime now,
                                       const CookieSecrets& secrets);

/// The data of the reply's COOKIE option: the client's cookie, and a server cookie of `now` for it at that address, by the
/// current secret (RFC 9018 §4). Pure.
[[nodiscard]] std::array<std::uint8_t, kCookieOctets> make_cookie(const ClientCookie& client_cookie,
                                                                  const IpAddress& client, UnixTime now,
                                                                  const CookieSecrets& secrets);

}  // namespace blowback::answer
