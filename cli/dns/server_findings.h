// What `doctor` finds at the running server: its status, its answers, and the delegation of its zone.
#pragma once

#include "config/config.h"
#include "findings.h"
#include "schema/store.h"

#include <optional>

namespace blowback::cli {

/// Reads the server's status socket, and queries it at each address of `server.listen`, and the secondaries in `transfer.notify`. `store`: the database with which its list
/// is compared; null: it isn't. Takes some seconds if the server doesn't follow the database or doesn't answer.
void look_at_server(const config::Config& config, schema::Store* store, UnixTime now, Findings& findings);

/// Queries a resolver for the zone's public NS and a test point. `chosen`: the resolver that the operator named, which is
/// expected to find the zone. Absent: the system's, which needn't, since a list for one's own servers has no delegation.
void look_at_delegation(const config::Config& config, const std::optional<config::Endpoint>& chosen,
                        Findings& findings);

}  // namespace blowback::cli
