// Callouts that aren't recorded: those of clients that are listed already.
//
// Mail servers that use the list refuse listed clients at DATA, as the configurations in deploy/mta/ do. A milter isn't informed of that
// refusal: to it a refused bounce looks like a callout, and would prolong the listing because of which it was refused.
#pragma once

#include "blowback/ip_address.h"
#include "feed/feed.h"
#include "schema/store.h"

#include <cstdint>
#include <functional>

namespace blowback::record {

/// Removes the callouts of those clients for whom `is_listed` is true at the time of the callout; returns how many they were. It is called
/// once per client and hour.
std::uint64_t remove_listed_callers(feed::Chunk& chunk,
                                    const std::function<bool(const IpAddress&, UnixTime)>& is_listed);

/// Whether mail servers that used the list at `at` may have refused the client: it was listed, or had been until recently, since mail servers
/// cache answers. `ttl`: of the answers. Pure.
[[nodiscard]] bool may_have_been_refused(const schema::Dossier& client, UnixTime at, Duration ttl);

}  // namespace blowback::record
