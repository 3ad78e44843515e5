// The config that a daemon uses: when it was read, and why a later one was refused. For metrics and health. After a refused reload the
// daemon continues with the config that it has.
#pragma once

#include "blowback/unix_time.h"
#include "watch/health.h"
#include "watch/metrics_text.h"

#include <optional>
#include <string>

namespace blowback::watch {

struct ConfigInForce {
  UnixTime read_at{};
  std::string refused;  ///< why the last reload was refused; "": it succeeded, or there was none
  UnixTime refused_at{};
};

/// The state after a reload of `file`; `refused`: why it wasn't adopted. Logs `config-kept` or `config-read`.
[[nodiscard]] ConfigInForce after_reload(ConfigInForce before, const std::string& file,
                                         const std::optional<std::string>& refused, UnixTime now);

/// Adds whether the last reload succeeded, and when the config in force was read, under the same names as Prometheus's own metrics.
void add_config(MetricsText& text, const ConfigInForce& config);
/// Adds `config-refused` if the last reload was refused.
void add_config(Health& health, const ConfigInForce& config);

}  // namespace blowback::watch
