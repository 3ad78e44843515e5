// Checks of name servers, traps and feeds that read no mail, for `doctor` and `config check`.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "findings.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace blowback::cli {

/// The place of a feed's key in the config, as a finding's source. The key may be absent there.
using FeedSource = std::function<std::string(std::size_t feed, std::string_view key)>;

/// Whether the current user can read each feed's path and certificate, and whether that expires soon.
void look_at_feeds(const config::Config& config, const FeedSource& source_of, UnixTime now, Findings& findings);

/// Whether each name server in the zone has an address in the config. `source`: their place in the config.
void look_at_name_servers(const config::Zone& zone, const std::string& source, Findings& findings);

/// Whether there are enough traps for a sender ever to be listed. `source`: their place in the config.
void look_at_witnesses(const config::Config& config, const std::string& source, Findings& findings);

}  // namespace blowback::cli
