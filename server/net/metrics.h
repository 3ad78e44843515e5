// The server's status as metrics and as health.
//
// Names and labels don't change, see docs/watching.md; new ones may be added.
#pragma once

#include "net/status.h"
#include "watch/health.h"

#include <string>

namespace blowback::net {

/// In Prometheus's text format, see watch/metrics_text.h. Every name is present from the start, with 0, except for unknown values: ages
/// of the list before the database was read. Not pure: it reads the process's own figures.
[[nodiscard]] std::string to_metrics(const Status& status);

/// Whether all threads make progress; if one is stuck, only a restart helps. Pure.
[[nodiscard]] watch::Health health(const Status& status);

/// Whether it serves the current list: there is an index, it isn't stale, it was checked within watch::kStandsStill, and no change has
/// waited in the journal for longer than that. Includes the problems of `health`. Pure.
[[nodiscard]] watch::Health readiness(const Status& status);

}  // namespace blowback::net
