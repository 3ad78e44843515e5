// What can be seen of name servers, traps and feeds without reading any mail: for `doctor` and for `config check`.
#pragma once

#include "config/config.h"
#include "findings.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace blowback::cli {

/// Where a key of that feed is written, for a finding's source; the key may be left to its default.
using FeedSource = std::function<std::string(std::size_t feed, std::string_view key)>;

/// Whether this user can read what each feed names, and use its certificate.
void look_at_feeds(const config::Config& config, const FeedSource& source_of, Findings& findings);

/// Whether each name server in the zone has an address in the config. `source`: where they are written.
void look_at_name_servers(const config::Config& config, const std::string& source, Findings& findings);

/// Whether enough traps are named for a sender ever to be listed. `source`: where they are written.
void look_at_witnesses(const config::Config& config, const std::string& source, Findings& findings);

}  // namespace blowback::cli
