// What `doctor` finds at the running server: its status, its answers, and the delegation of its zones.
#pragma once

#include "config/config.h"
#include "dns/serial_findings.h"
#include "findings.h"
#include "schema/store.h"

namespace blowback::cli {

/// Reads the server's status socket, and for each zone queries it at each address of `server.listen`, and asks all other name servers of the zone for
/// its serial (see serial_findings.h). `store`: the database with which its list is compared; null: it isn't, and the other servers aren't asked.
/// Takes some seconds for each zone if a server doesn't follow or doesn't answer.
void look_at_server(const config::Config& config, schema::Store* store, UnixTime now, const Lookup& lookup,
                    Findings& findings);

/// Queries a resolver for each zone's public NS and a test point. One that the operator named is expected to find the zones; the system's
/// needn't, since a list for one's own servers has no delegation.
void look_at_delegation(const config::Config& config, const Lookup& lookup, Findings& findings);

}  // namespace blowback::cli
