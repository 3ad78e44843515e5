// Whether every name server of a zone has its latest serial, for `doctor`.
#pragma once

#include "blowback/listing.h"
#include "config/config.h"
#include "dns/client.h"
#include "findings.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace blowback::cli {

/// What the names of checks of that zone begin with: the name of a further zone, and nothing for the main one.
[[nodiscard]] std::string prefix_of(const std::string& zone, const config::Config& config);

/// A server to ask, and why.
struct NamedServer {
  config::Endpoint endpoint;
  bool is_notified = false;        ///< it is in `transfer.notify`
  std::vector<std::string> names;  ///< of the zone's name servers with this address
};

/// The servers of `transfer.notify`, then the addresses of the name servers of `zone`, one of the config's: those of names in any of its zones from the
/// config, others from the resolver, all at a time. Adds a finding for each name without an address; the ones in a zone have theirs already
/// (`zone`). Leaves out the addresses in `server.listen`, which are examined on their own. At most 128. Takes at most four seconds.
[[nodiscard]] std::vector<NamedServer> find_name_servers(const config::Config& config, const config::Zone& zone,
                                                         const Lookup& lookup, Findings& findings);

/// Asks all servers at a time for the zone's SOA, again and again for two seconds, until each has at least the serial that the zone has at the
/// beginning. Adds a finding for each, whose check begins with `prefix`. `serial`: the zone's, now. Takes at most five seconds.
void look_at_serials(const std::vector<NamedServer>& servers, const std::string& zone,
                     const std::function<std::optional<Serial>()>& serial, Findings& findings,
                     const std::string& prefix = {});

}  // namespace blowback::cli
