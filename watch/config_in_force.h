// Which config a daemon goes by: when that was read, and why a later one was refused, for metrics and for whoever asks whether the
// daemon is ready. A refused config stops nobody: the daemon goes on by the one that it has.
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

/// What is in force after a reload of `file`, which was `refused` for that reason, or taken over. Logs `config-kept` or `config-read`.
[[nodiscard]] ConfigInForce after_reload(ConfigInForce before, const std::string& file,
                                         const std::optional<std::string>& refused, UnixTime now);

/// Whether the last reload succeeded, and when the config in force was read: under the names that Prometheus has for itself.
void add_config(MetricsText& text, const ConfigInForce& config);
/// Adds `config-refused`, if one was.
void add_config(Health& health, const ConfigInForce& config);

}  // namespace blowback::watch
