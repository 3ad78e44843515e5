// One function per section of the config: its keys with their ranges and defaults. All of them together are read by config.cc.
#pragma once

#include "config/config.h"
#include "section.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::config {

/// The longest duration that the config accepts where no other limit applies.
inline constexpr Duration kTenYears = std::chrono::days{3653};

/// The only zone, or the first.
void read_zone(Section& section, Zone& zone);
/// Appends another zone. Requires that the first one was read: it has what this one leaves out.
void read_further_zone(Section& section, Config& config);
/// `database`: its path, which the status socket must not have.
void read_server(Section& section, Server& server, const std::string& database);
/// `listen`: where queries are answered, which can't be done with TLS as well.
void read_transfer(Section& section, Transfer& transfer, const std::vector<Endpoint>& listen);
void read_traps(Section& section, Traps& traps);
void read_detect(Section& section, Detect& detect);
/// Appends a feed. Requires that the feeds before it were read.
void read_feed(Section& section, std::vector<Feed>& feeds);
void read_policy(Section& section, Policy& policy);
void read_log(Section& section, Log& log);
void read_metrics(Section& section, Metrics& metrics);
/// An address and port, or `unix:` and a path; "" leaves `into` absent.
void read_place(Section& section, std::string_view key, std::optional<MetricsEndpoint>& into);
/// Requires that `web` has its defaults.
void read_web(Section& section, Web& web);
/// Requires that the traps and retention were read.
void read_removal(Section& section, Config& config);
/// Why removal.mail can't be used with these traps, as a clause: what is sent to a trap is judged. Absent: it can.
[[nodiscard]] std::optional<std::string> objection_to_removal_mail(const Config& config);
/// Requires that the policy was read: it sets the shortest time that incidents are kept.
void read_retention(Section& section, Config& config);

}  // namespace blowback::config
