// Whether the list covers what it never should. `doctor` asks the zone for addresses that did nothing to be listed, and looks
// in the database for networks that reach farther than a narrow decision may (blowback/reach.h).
#pragma once

#include "blowback/ip_address.h"
#include "config/config.h"
#include "findings.h"
#include "schema/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace blowback::cli {

/// Addresses that are listed only if far too much is.
struct Bystanders {
  std::vector<IpAddress> special_use;  ///< one of each special-use network, none of the test points
  std::vector<IpAddress> ordinary;     ///< public ones, as many of either family
};

/// Drawn at random. Pure.
[[nodiscard]] Bystanders draw_bystanders(std::uint64_t seed);

/// Asks `server` for each of them and tells what it found under the name `check`. Takes five seconds at most.
void look_at_bystanders(const config::Endpoint& server, const std::string& zone, const Bystanders& bystanders,
                        const std::string& check, Findings& findings);

/// Tells of each wide or special-use listing in force, and of each wide exemption; of too many it tells the number.
void look_at_reach(schema::Store& store, UnixTime now, Findings& findings);

}  // namespace blowback::cli
