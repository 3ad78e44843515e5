// Whether a DNSBL answers as resolvers and mail servers need it, for `conform`.
#pragma once

#include "blowback/ip_address.h"
#include "config/config.h"
#include "dns/client.h"
#include "findings.h"

#include <optional>
#include <string>

namespace blowback::cli {

/// Queries `server` and adds a finding for each check, with its RFC and, if it isn't good, what goes wrong in practice. Checks that
/// depend on a failed one are left out. `zone`: in lower case, without a final dot. `listed`: an address that is listed; absent: only
/// the test points are known to be. `lookup`: finds the addresses of name servers outside the zone. Takes at most a minute, whatever the
/// server does.
void examine_list(const config::Endpoint& server, const std::string& zone, std::optional<IpAddress> listed,
                  const Lookup& lookup, Findings& findings);

}  // namespace blowback::cli
