// blowback-ingest: reads trap mail, judges it, scores who sent it, records all of it. Thin: arguments, signals, wiring.
//
// It needs the database and its feeds' files, and no network but what it is watched by: the service manager's socket, and
// the one that metrics.ingest names.
#include "config/config.h"
#include "milter/watcher.h"
#include "record/ingest_loop.h"
#include "record/ingest_state.h"
#include "schema/store.h"
#include "system/daemon_clock.h"
#include "system/descriptor_limit.h"
#include "watch/clock_doubt.h"
#include "watch/http_listener.h"
#include "watch/log.h"
#include "watch/notify.h"

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <sys/signalfd.h>
#include <utility>
#include <vector>

namespace {

using blowback::record::Ended;
using blowback::watch::Field;
using blowback::watch::Level;
using blowback::watch::log;

constexpr int kExitConfig = 2;
constexpr int kExitSystem = 3;
/// EX_TEMPFAIL of sysexits.h: a mail server that pipes to us keeps the message and tries again.
constexpr int kExitTryAgain = 75;

struct Arguments {
  std::string config;
  blowback::record::LoopOptions loop;
  bool verbose = false;
};

/// SIGTERM, SIGINT and SIGHUP come through a descriptor, so that the loop meets them between two chunks.
class Signals {
 public:
  Signals() {
    sigset_t watched;
    sigemptyset(&watched);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, number);
    sigprocmask(SIG_BLOCK, &watched, nullptr);
    descriptor_ = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { close(descriptor_); }

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] Ended asked() const {
    signalfd_siginfo info{};
    if (read(descriptor_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return Ended::drained;
    return info.ssi_signo == SIGHUP ? Ended::reload : Ended::stop;
  }

 private:
  int descriptor_ = -1;
};

/// Why ingest has nothing to do by this config: there is no feed in it, or none that a `--feed` names.
[[nodiscard]] std::optional<std::string> why_idle(const blowback::config::Config& config,
                                                  const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (std::ranges::find(config.feeds, name, &blowback::config::Feed::name) == config.feeds.end()) {
      return "--feed " + name + ": no such feed in " + config.file;
    }
  }
  if (!config.feeds.empty()) return std::nullopt;
  return config.file + ": no [[feed]] in it; add one, for example type = \"maildir\" with its path";
}

/// A message piped in must not be lost when we can't take it: its MTA is asked to try again.
[[nodiscard]] bool reads_a_pipe(const blowback::config::Config& config, const std::vector<std::string>& names) {
  return std::ranges::any_of(config.feeds, [&](const blowback::config::Feed& feed) {
    return feed.type == blowback::config::FeedType::standard_input &&
           (names.empty() || std::ranges::find(names, feed.name) != names.end());
  });
}

/// How ingest is watched from outside: metrics, health, notes to the service manager.
class Watched {
 public:
  explicit Watched(blowback::UnixTime started_at) {
    state_.change([&](blowback::record::IngestState& state) {
      state.version = BLOWBACK_VERSION;
      state.started_at = started_at;
      state.config.read_at = started_at;
    });
  }

  [[nodiscard]] blowback::record::SharedIngestState& state() { return state_; }

  /// As the config has it: how to log, and where to tell metrics. Where it can't listen ingest does without.
  void set_up(const blowback::config::Config& config, const Arguments& arguments) {
    auto settings = config.log;
    if (arguments.verbose) settings.level = blowback::config::LogLevel::debug;
    blowback::watch::log_by(settings);
    // A run that ends by itself may stand beside the daemon, which has the port.
    const auto wanted = arguments.loop.once ? std::nullopt : config.metrics.ingest;
    if (listener_ && wanted == listens_at_) return;
    listener_.reset();
    listens_at_ = wanted;
    if (!wanted) return;
    const auto now = [] { return std::chrono::steady_clock::now(); };
    auto opened =
        blowback::watch::HttpListener::open(*wanted, "metrics.ingest",
                                            {.metrics = [this] { return to_metrics(state_.copy()); },
                                             .health = [this, now] { return health(state_.copy(), now()); },
                                             .readiness = [this, now] { return readiness(state_.copy(), now()); }});
    if (opened) {
      listener_.emplace(std::move(*opened));
    } else {
      log(Level::warning, "metrics-skipped", {Field::sentence("detail", opened.error().text)});
    }
  }

  /// In the loop: it came round.
  void turned() {
    const auto now = std::chrono::steady_clock::now();
    if (!manager_.listens() || (told_at_ && now - *told_at_ < manager_.interval())) return;
    const auto state = state_.copy();
    const auto work = "reading " + std::to_string(state.feeds.size()) + (state.feeds.size() == 1 ? " feed" : " feeds") +
                      ", journal at serial " + std::to_string(state.serial);
    manager_.status(blowback::watch::status_sentence(work, readiness(state, now)));
    manager_.turned(now, true);
    told_at_ = now;
  }
  void ready() { manager_.ready(); }
  void reloaded(const std::string& file, const std::optional<std::string>& refused, blowback::UnixTime now) {
    auto config = blowback::watch::after_reload(state_.copy().config, file, refused, now);
    state_.change([&](blowback::record::IngestState& state) { state.config = std::move(config); });
    told_at_.reset();
  }
  void reloading() { manager_.reloading(); }
  void stopping() { manager_.stopping(); }

 private:
  blowback::record::SharedIngestState state_;
  blowback::watch::ServiceManager manager_{{.notify_socket = std::getenv("NOTIFY_SOCKET"),
                                            .watchdog_usec = std::getenv("WATCHDOG_USEC"),
                                            .watchdog_pid = std::getenv("WATCHDOG_PID")}};
  std::optional<std::chrono::steady_clock::time_point> told_at_;
  std::optional<blowback::config::MetricsEndpoint> listens_at_;
  std::optional<blowback::watch::HttpListener> listener_;  ///< last: it reads the state
};

/// SIGHUP. Why the config can't be taken over; then everything is as it was.
[[nodiscard]] std::optional<std::string> reload(const Arguments& arguments, blowback::record::IngestLoop& loop,
                                                Watched& watched) {
  const auto config = blowback::config::load(arguments.config);
  if (!config) return config.error().text;
  if (auto why = why_idle(*config, arguments.loop.only_feeds)) return why;
  if (auto changed = loop.change(*config); !changed) return std::move(changed).error();
  watched.set_up(*config, arguments);
  return std::nullopt;
}

int run(const Arguments& arguments) {
  // Whoever reads standard error may go away: then a log line is lost, and not the daemon.
  std::signal(SIGPIPE, SIG_IGN);
  auto config = blowback::config::load(arguments.config);
  if (!config) {
    std::fprintf(stderr, "blowback-ingest: %s\n", config.error().text.c_str());
    return kExitConfig;
  }
  if (const auto why = why_idle(*config, arguments.loop.only_feeds)) {
    std::fprintf(stderr, "blowback-ingest: %s\n", why->c_str());
    return kExitConfig;
  }
  const int system_failed = reads_a_pipe(*config, arguments.loop.only_feeds) ? kExitTryAgain : kExitSystem;
  blowback::raise_descriptor_limit();
  const Signals signals;
  blowback::DaemonClock clock;
  blowback::watch::ClockLog clock_log;
  Watched watched(clock.now());
  watched.set_up(*config, arguments);
  const blowback::record::Surroundings surroundings{.now = [&] { return clock.now(); },
                                                    .clock_doubt =
                                                        [&] {
                                                          const auto doubt = clock.doubt();
                                                          clock_log.look(doubt);
                                                          return doubt;
                                                        },
                                                    .signal_fd = signals.descriptor(),
                                                    .asked = [&] { return signals.asked(); },
                                                    .state = &watched.state(),
                                                    .turned = [&] { watched.turned(); },
                                                    .looked_once = [&] { watched.ready(); }};
  auto store = blowback::schema::Store::open(config->database, blowback::schema::Store::Mode::create);
  if (!store) {
    std::fprintf(stderr, "blowback-ingest: %s\n", store.error().text.c_str());
    return system_failed;
  }
  blowback::record::IngestLoop loop(std::move(*config), arguments.loop, std::move(*store), surroundings);
  while (true) {
    switch (loop.run()) {
      case Ended::drained:
        return 0;
      case Ended::feed_failed:
      case Ended::store_failed:
        return system_failed;
      case Ended::stop:
        watched.stopping();
        log(Level::info, "stopped");
        return 0;
      case Ended::reload:
        watched.reloading();
        watched.reloaded(arguments.config, reload(arguments, loop, watched), clock.now());
        break;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  // What holds a message goes back to the system with it. By itself glibc takes ever larger blocks from its heap once such a one was
  // freed (mallopt(3)), and what many sessions held stays there in pieces.
  constexpr int kHeldByItself = 256 << 10;
  mallopt(M_MMAP_THRESHOLD, kHeldByItself);
  if (argc == 2 && argv[1] == blowback::milter::kWatcherOption) {
    blowback::DaemonClock clock;
    return blowback::milter::watch_mail_server(blowback::milter::kWatcherDescriptor, [&] { return clock.now(); });
  }
  Arguments arguments;
  std::string client_ip;
  std::string sender;
  CLI::App app{"Reads trap mail, judges it, and records who sent backscatter."};
  app.footer(
      "Examples:\n"
      "  blowback-ingest                      run on and watch the feeds of the config\n"
      "  blowback-ingest --once               take what is there, then exit 0\n"
      "  blowback-ingest --once --feed pipe --client-ip 192.0.2.1 --sender '' --recipient a@trap.example.net < mail\n");
  app.add_option("--config", arguments.config, "Config file (BLOWBACK_CONFIG, /etc/blowback/blowback.toml)");
  app.add_flag("--once", arguments.loop.once, "Take what is there and exit");
  app.add_option("--feed", arguments.loop.only_feeds, "Only this feed; may be given several times");
  auto* const client_option =
      app.add_option("--client-ip", client_ip, "stdin: address that connected to your mail server");
  app.add_option("--helo", arguments.loop.stdin_envelope.helo, "stdin: its HELO name");
  auto* const sender_option = app.add_option("--sender", sender, "stdin: reverse-path, '' for the null reverse-path");
  app.add_option("--recipient", arguments.loop.stdin_envelope.rcpt_to,
                 "stdin: forward-path; may be given several times");
  app.add_flag("--verbose", arguments.verbose, "Log every batch");
  app.set_version_flag("--version", BLOWBACK_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitConfig;
  }
  if (*client_option) arguments.loop.stdin_envelope.client_ip = client_ip;
  if (*sender_option) arguments.loop.stdin_envelope.mail_from = sender;
  arguments.loop.stdin_envelope = blowback::feed::completed_by_environment(
      arguments.loop.stdin_envelope, [](const char* name) -> const char* { return std::getenv(name); });
  arguments.loop.show_progress = isatty(STDERR_FILENO) != 0;
  arguments.config = blowback::config::config_path(arguments.config, std::getenv("BLOWBACK_CONFIG"));
  return run(arguments);
}
