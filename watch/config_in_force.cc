#include "watch/config_in_force.h"

#include "watch/log.h"

#include <fmt/format.h>

namespace blowback::watch {

ConfigInForce after_reload(ConfigInForce before, const std::string& file, const std::optional<std::string>& refused,
                           UnixTime now) {
  if (!refused) {
    log(Level::info, "config-read", {{"file", file}});
    return {.read_at = now, .refused = {}, .refused_at = {}};
  }
  log(Level::error, "config-kept", {Field::sentence("detail", *refused)});
  before.refused = *refused;
  before.refused_at = now;
  return before;
}

void add_config(MetricsText& text, const ConfigInForce& config) {
  text.single("blowback_config_last_reload_successful", MetricsText::Type::gauge,
              "1 if the config was in order when it was read last, 0 if it was refused and an earlier one is in force.",
              std::uint64_t{config.refused.empty()});
  text.single("blowback_config_last_reload_success_timestamp_seconds", MetricsText::Type::gauge,
              "When the config in force was read, in seconds since 1970.",
              static_cast<double>(config.read_at.time_since_epoch().count()));
}

void add_config(Health& health, const ConfigInForce& config) {
  if (config.refused.empty()) return;
  health.push_back({.name = "config-refused",
                    .detail = fmt::format("the config was refused at {}, the one read at {} is in force: {}",
                                          to_iso8601(config.refused_at), to_iso8601(config.read_at), config.refused),
                    .mend = "correct the config (`blowback config check` shows what is wrong), then reload",
                    .hinders = false});
}

}  // namespace blowback::watch
