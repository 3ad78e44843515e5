// Callouts that aren't recorded: those of clients that the list names already.
//
// Who is listed is refused by whoever asks the list, at DATA, as deploy/mta/ has it. A milter isn't told of that refusal: a refused
// bounce looks like a callout to it, and would prolong the listing that it was refused for.
#pragma once

#include "blowback/ip_address.h"
#include "feed/feed.h"

#include <cstdint>
#include <functional>

namespace blowback::record {

/// Takes the callouts of clients out of the chunk for whom `is_listed` was true at the time, and returns how many those were.
/// Each client is asked about once an hour of its callouts' times.
std::uint64_t remove_listed_callers(feed::Chunk& chunk,
                                    const std::function<bool(const IpAddress&, UnixTime)>& is_listed);

}  // namespace blowback::record
