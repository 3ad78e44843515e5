// Whether the list covers addresses that it shouldn't. `doctor` queries the zone for random addresses, which hardly ever are
// listed, and searches the database for listings and exemptions that are wide (blowback/reach.h).
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "config/config.h"
#include "findings.h"
#include "schema/store.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace blowback::cli {

/// Addresses that are listed only if far too many are.
struct Bystanders {
  std::vector<IpAddress> special_use;  ///< one of each special-use network, but no test point
  std::vector<IpAddress> ordinary;     ///< public addresses, the same number of each family
};

/// An address of the network, each as likely as any other.
[[nodiscard]] IpAddress any_in(const Prefix& network, std::mt19937_64& random);

/// Pseudo-random. Pure.
[[nodiscard]] Bystanders draw_bystanders(std::uint64_t seed);

/// Queries `server` for each of them, and adds a finding named `check`. Takes at most five seconds.
void look_at_bystanders(const config::Endpoint& server, const std::string& zone, const Bystanders& bystanders,
                        const std::string& check, Findings& findings);

/// Adds a finding for each wide or special-use listing in force and each wide exemption, up to 20 of each, then their number.
void look_at_reach(schema::Store& store, UnixTime now, Findings& findings);

}  // namespace blowback::cli
