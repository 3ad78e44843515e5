// Server cookies of version 1: SipHash-2-4 by libsodium over what RFC 9018 §4 lists.
#include "cookie.h"

#include <sodium/crypto_shorthash_siphash24.h>
#include <sodium/utils.h>

#include <algorithm>

namespace blowback::answer {
namespace {

// The option's octets: client cookie 8 | version 1 | reserved 3 | timestamp 4 | hash 8 (RFC 9018 §4).
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kReservedAt = 9;
constexpr std::size_t kTimestampAt = 12;
constexpr std::size_t kHashAt = 16;
constexpr std::uint8_t kVersion = 1;

// RFC 9018 §4.3, in seconds.
constexpr std::int32_t kOldest = 3600;
constexpr std::int32_t kEarliest = -300;
constexpr std::int32_t kFresh = 1800;

using Cookie = std::span<const std::uint8_t, kCookieOctets>;
using Hash = std::array<std::uint8_t, crypto_shorthash_siphash24_BYTES>;

static_assert(std::tuple_size_v<CookieSecret> == crypto_shorthash_siphash24_KEYBYTES);
static_assert(kHashAt + std::tuple_size_v<Hash> == kCookieOctets);

/// The timestamp of `time`: its seconds modulo 2^32.
[[nodiscard]] std::uint32_t wire_seconds(UnixTime time) {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(time.time_since_epoch().count()));
}

/// RFC 9018 §4.4: over everything before the hash, reserved octets included, and the client's 4 or 16 octets.
[[nodiscard]] Hash hash_of(std::span<const std::uint8_t, kHashAt> head, const IpAddress& client,
                           const CookieSecret& secret) {
  std::array<std::uint8_t, kHashAt + 16> input{};
  auto* end = std::ranges::copy(head, input.begin()).out;
  const auto address = std::span(client.octets()).last(client.family() == Family::ipv4 ? 4 : 16);
  end = std::ranges::copy(address, end).out;
  Hash hash{};
  crypto_shorthash_siphash24(hash.data(), input.data(), static_cast<std::size_t>(end - input.begin()), secret.data());
  return hash;
}

[[nodiscard]] bool is_made_by(const CookieSecret& secret, Cookie cookie, const IpAddress& client) {
  const Hash hash = hash_of(cookie.first<kHashAt>(), client, secret);
  // In constant time: otherwise a forger could find the hash octet by octet.
  return sodium_memcmp(hash.data(), cookie.subspan<kHashAt>().data(), hash.size()) == 0;
}

/// By serial number arithmetic (RFC 1982), which also works after 2106. Negative: in the future.
[[nodiscard]] std::int32_t age_of(Cookie cookie, UnixTime now) {
  std::uint32_t made = 0;
  for (const std::uint8_t octet : cookie.subspan<kTimestampAt, 4>()) made = (made << 8U) | octet;
  return static_cast<std::int32_t>(wire_seconds(now) - made);
}

}  // namespace

CookieSecrets CookieSecrets::of(const config::Server& server, const CookieSecret& random) {
  const auto& named = server.cookie_secrets;
  if (named.empty()) return {.current = random, .other = std::nullopt};
  return {.current = named.front(), .other = named.size() > 1 ? std::optional(named.back()) : std::nullopt};
}

CookieCheck check_cookie(std::span<const std::uint8_t> option, const IpAddress& client, UnixTime now,
                         const CookieSecrets& secrets) {
  CookieCheck check;
  const bool has_server_cookie = option.size() >= 16 && option.size() <= 40;
  if (option.size() != kClientCookieOctets && !has_server_cookie) {
    check.state = CookieState::malformed;
    return check;
  }
  std::ranges::copy(option.first<kClientCookieOctets>(), check.client_cookie.begin());
  check.renew = true;
  check.state = has_server_cookie ? CookieState::bad : CookieState::client_only;
  // Server cookies of another length or version come from other servers, or are invented.
  if (option.size() != kCookieOctets || option[kVersionAt] != kVersion) return check;

  const Cookie cookie = option.first<kCookieOctets>();
  // Time before hash: the cheaper check first.
  const std::int32_t age = age_of(cookie, now);
  if (age > kOldest || age < kEarliest) return check;
  const bool by_current = is_made_by(secrets.current, cookie, client);
  if (!by_current && !(secrets.other && is_made_by(*secrets.other, cookie, client))) return check;

  check.state = CookieState::good;
  const bool reserved_is_zero =
      std::ranges::all_of(cookie.subspan<kReservedAt, 3>(), [](std::uint8_t octet) { return octet == 0; });
  check.renew = age > kFresh || !by_current || !reserved_is_zero;
  return check;
}

std::array<std::uint8_t, kCookieOctets> make_cookie(const ClientCookie& client_cookie, const IpAddress& client,
                                                    UnixTime now, const CookieSecrets& secrets) {
  std::array<std::uint8_t, kCookieOctets> cookie{};
  std::ranges::copy(client_cookie, cookie.begin());
  cookie[kVersionAt] = kVersion;
  const std::uint32_t seconds = wire_seconds(now);
  for (std::size_t i = 0; i < 4; ++i) cookie[kTimestampAt + i] = static_cast<std::uint8_t>(seconds >> (24 - 8 * i));
  std::ranges::copy(hash_of(Cookie(cookie).first<kHashAt>(), client, secrets.current), cookie.begin() + kHashAt);
  return cookie;
}

}  // namespace blowback::answer
