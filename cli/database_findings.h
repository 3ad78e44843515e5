// What `doctor` finds in the database: its files, the disk, its integrity, times, decisions, and the age of the newest mail.
#pragma once

#include "config/config.h"
#include "findings.h"
#include "schema/store.h"

#include <optional>

namespace blowback::cli {

/// Adds a finding for each check. Returns the database if it can be opened. Writes nothing.
[[nodiscard]] std::optional<schema::Store> look_at_database(const config::Config& config, UnixTime now,
                                                            Findings& findings);

}  // namespace blowback::cli
