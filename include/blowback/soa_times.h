// The times of the zone's SOA record (RFC 1035 §3.3.13), and the TTL of its name servers and hosts, in seconds: the same in our server's answers and in
// exported zone files.
#pragma once

#include <cstdint>

namespace blowback {

/// Secondaries that miss a NOTIFY ask every ten minutes, and stop serving the zone after a week without the primary.
inline constexpr std::uint32_t kSoaRefresh = 600;
inline constexpr std::uint32_t kSoaRetry = 120;
inline constexpr std::uint32_t kSoaExpire = 604'800;

/// Of the NS records, and of the addresses of name servers and other hosts in the zone. Name servers change rarely, and resolvers cache the parent's NS records for
/// longer than that anyway.
inline constexpr std::uint32_t kNameserverTtl = 3600;

}  // namespace blowback
