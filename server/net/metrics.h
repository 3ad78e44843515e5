// The server's status as metrics, and as an answer to whether it is well.
//
// Names and labels stay once given, as docs/watching.md has them; new ones may come.
#pragma once

#include "net/status.h"
#include "watch/health.h"

#include <string>

namespace blowback::net {

/// In Prometheus's text format, see watch/metrics_text.h. Every name is there from the start, with 0, but for what isn't known
/// yet: the list's ages before the database was read. Not pure: the process's own figures are read.
[[nodiscard]] std::string to_metrics(const Status& status);

/// Whether threads go round: a stuck one is mended by a restart alone. Pure.
[[nodiscard]] watch::Health health(const Status& status);

/// Whether it serves the list as the database has it: there is an index, not stale, looked after within watch::kStandsStill, and
/// nothing has waited in the journal for longer. Whatever is wrong with `health` is wrong here, too. Pure.
[[nodiscard]] watch::Health readiness(const Status& status);

}  // namespace blowback::net
