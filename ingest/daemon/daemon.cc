#include "daemon/daemon.h"

#include "record/signatures.h"
#include "schema/store.h"
#include "system/exit_status.h"
#include "watch/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace blowback::daemon {
namespace {

using record::Ended;

/// Why this config gives ingest nothing to read: it has no feed, or not the one that `--feed` names.
[[nodiscard]] std::optional<std::string> why_idle(const config::Config& config, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (std::ranges::find(config.feeds, name, &config::Feed::name) == config.feeds.end()) {
      return fmt::format("--feed {}: no such feed in {}", name, config.file);
    }
  }
  if (!config.feeds.empty()) return std::nullopt;
  return config.file + ": no [[feed]] in it; add one, for example type = \"maildir\" with its path";
}

/// The exit status where the system fails us. A message on standard input must not be lost, so its MTA is asked to try again.
[[nodiscard]] int status_of_failure(const config::Config& config, const std::vector<std::string>& names) {
  const bool reads_a_pipe = std::ranges::any_of(config.feeds, [&](const config::Feed& feed) {
    return feed.type == config::FeedType::standard_input &&
           (names.empty() || std::ranges::find(names, feed.name) != names.end());
  });
  return reads_a_pipe ? kExitTryAgain : kExitSystem;
}

}  // namespace

Daemon::Daemon(Options options, record::Requests requests, const watch::ServiceManager::Environment& environment)
    : options_(std::move(options)),
      requests_(std::move(requests)),
      monitoring_({.version = options_.version, .verbose = options_.verbose, .without_http = options_.loop.once},
                  environment, clock_.now()) {}

Exit Daemon::run() {
  auto config = config::load(options_.config_file);
  if (!config) return {.status = kExitConfig, .error = config.error().text};
  if (auto why = why_idle(*config, options_.loop.only_feeds)) return {.status = kExitConfig, .error = std::move(*why)};
  auto signatures = record::signatures_of(config->detect);
  if (!signatures) return {.status = kExitConfig, .error = std::move(signatures).error()};
  const int failure = status_of_failure(*config, options_.loop.only_feeds);
  monitoring_.configure(*config);
  auto store = schema::Store::open(config->database, schema::Store::Mode::create);
  if (!store) return {.status = failure, .error = store.error().text};
  record::IngestLoop loop(std::move(*config), options_.loop, std::move(*store), surroundings());
  loop.judge_by(*std::move(signatures));
  while (true) {
    switch (loop.run()) {
      case Ended::drained:
        return {};
      case Ended::feed_failed:
      case Ended::store_failed:
        return {.status = failure, .error = ""};
      case Ended::stop:
        monitoring_.stopping();
        watch::log(watch::Level::info, "stopped");
        return {};
      case Ended::reload:
        monitoring_.reloading();
        monitoring_.reloaded(options_.config_file, reload(loop), clock_.now());
        break;
    }
  }
}

record::Surroundings Daemon::surroundings() {
  return {.now = [this] { return clock_.now(); },
          .clock_doubt =
              [this] {
                const auto doubt = clock_.doubt();
                clock_log_.look(doubt);
                return doubt;
              },
          .requests = requests_,
          .state = &monitoring_.state(),
          .on_turn = [this] { monitoring_.on_turn(); },
          .on_first_round = [this] { monitoring_.ready(); }};
}

/// Why the config can't be used; then everything is as it was.
std::optional<std::string> Daemon::reload(record::IngestLoop& loop) {
  const auto config = config::load(options_.config_file);
  if (!config) return config.error().text;
  if (auto why = why_idle(*config, options_.loop.only_feeds)) return why;
  auto signatures = record::signatures_of(config->detect);
  if (!signatures) return std::move(signatures).error();
  if (auto changed = loop.change(*config); !changed) return std::move(changed).error();
  loop.judge_by(*std::move(signatures));
  monitoring_.configure(*config);
  return std::nullopt;
}

}  // namespace blowback::daemon
