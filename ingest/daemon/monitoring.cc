#include "daemon/monitoring.h"

#include "watch/config_in_force.h"
#include "watch/log.h"

#include <fmt/format.h>

#include <utility>

namespace blowback::daemon {

using std::chrono::steady_clock;

Monitoring::Monitoring(MonitoringOptions options, const watch::ServiceManager::Environment& environment,
                       UnixTime started_at)
    : options_(std::move(options)), manager_(environment) {
  state_.change([&](record::IngestState& state) {
    state.version = options_.version;
    state.started_at = started_at;
    state.config.read_at = started_at;
  });
}

void Monitoring::configure(const config::Config& config) {
  auto settings = config.log;
  if (options_.verbose) settings.level = config::LogLevel::debug;
  watch::log_by(settings);
  const auto wanted = options_.without_http ? std::nullopt : config.metrics.ingest;
  if (listener_ && wanted == endpoint_) return;
  listener_.reset();
  endpoint_ = wanted;
  if (!wanted) return;
  auto opened =
      watch::HttpListener::open(*wanted, "metrics.ingest",
                                {.metrics = [this] { return to_metrics(state_.copy()); },
                                 .health = [this] { return health(state_.copy(), steady_clock::now()); },
                                 .readiness = [this] { return readiness(state_.copy(), steady_clock::now()); }});
  if (opened) {
    listener_.emplace(std::move(*opened));
  } else {
    watch::log(watch::Level::warning, "metrics-skipped", {watch::Field::sentence("detail", opened.error().text)});
  }
}

void Monitoring::on_turn() {
  const auto now = steady_clock::now();
  if (!manager_.listens() || (reported_at_ && now - *reported_at_ < manager_.interval())) return;
  const auto state = state_.copy();
  const auto work = fmt::format("reading {} feed{}, journal at serial {}", state.feeds.size(),
                                state.feeds.size() == 1 ? "" : "s", state.serial);
  manager_.status(watch::status_sentence(work, readiness(state, now)));
  manager_.turned(now, true);
  reported_at_ = now;
}

void Monitoring::reloaded(const std::string& file, const std::optional<std::string>& refused, UnixTime now) {
  auto config = watch::after_reload(state_.copy().config, file, refused, now);
  state_.change([&](record::IngestState& state) { state.config = std::move(config); });
  reported_at_.reset();
}

}  // namespace blowback::daemon
