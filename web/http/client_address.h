// Who a request comes from, if a proxy is in between.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace blowback::http {

/// A longer X-Forwarded-For, or one with more addresses, is believed by nobody.
inline constexpr std::size_t kLongestForwardedFor = 4'096;
inline constexpr std::size_t kMostForwarders = 32;

/// The client's address. Each proxy appends the address that it was connected from, so the list is read from its end: what a proxy of ours wrote
/// is believed, and the first address that isn't a proxy's is the client. Everything before it was sent by the client, who can write anything.
/// `peer`: the other end of the connection; absent: a unix socket, whose clients are proxies. `proxies`: the networks of other proxies.
/// Absent: unknown, since a proxy didn't say, or something that can't be read. Pure.
[[nodiscard]] std::optional<IpAddress> client_of(const std::optional<IpAddress>& peer, std::string_view forwarded_for,
                                                 std::span<const Prefix> proxies);

}  // namespace blowback::http
