// blowback-server: serves the list as an authoritative zone. Thin: arguments, signals, wiring.
//
// It reads the database and its config, and speaks on its own sockets; it writes nothing, and connects to nobody but to its
// own sockets' paths, to learn whether another server lives there, and to the service manager that started it.
#include "answer/served_zone.h"
#include "config/config.h"
#include "net/metrics.h"
#include "net/responders.h"
#include "net/status.h"
#include "net/status_socket.h"
#include "system/daemon_clock.h"
#include "system/descriptor_limit.h"
#include "system/privileges.h"
#include "system/system_call_filter.h"
#include "watch/clock_doubt.h"
#include "watch/config_in_force.h"
#include "watch/http_listener.h"
#include "watch/log.h"
#include "watch/notify.h"
#include "zone/follower.h"
#include "zone/published.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using blowback::answer::ServedZone;
using blowback::net::Counts;
using blowback::net::Responders;
using blowback::net::StatusSocket;
using blowback::watch::Field;
using blowback::watch::Level;
using blowback::watch::log;

constexpr int kExitConfig = 2;
constexpr int kExitSystem = 3;
/// How long the service manager is kept waiting for a first list. Then we are started without one: whoever waits for
/// our start, such as a package's installation, can't mend that by waiting.
constexpr std::chrono::seconds kFirstListPatience{10};

void tell(const blowback::zone::FollowerReport& report) {
  using Event = blowback::zone::FollowerReport::Event;
  const Field serial("serial", report.serial);
  const auto detail = Field::sentence("detail", report.text);
  switch (report.event) {
    case Event::replaced:
      return log(Level::warning, "database-replaced", {serial, detail});
    case Event::loaded:
      return log(Level::info, "list-loaded", {{"entries", report.count}, serial});
    case Event::not_ready:
      return log(Level::error, "list-not-ready", {detail});
    case Event::lost:
      return log(Level::error, "database-lost", {serial, detail});
    case Event::stale:
      return log(Level::critical, "list-stale", {serial, detail});
    case Event::recovered:
      return log(Level::info, "database-back", {serial});
  }
}

void tell(const Counts& counts) {
  for (const auto* const transport : {"udp", "tcp"}) {
    const auto& tally = transport == std::string_view("udp") ? counts.udp : counts.tcp;
    std::vector<Field> fields{{"transport", transport}};
    for (std::size_t i = 0; i < blowback::answer::kOutcomes; ++i) {
      fields.emplace_back(blowback::answer::name_of(static_cast<blowback::answer::Outcome>(i)), tally.by_outcome.at(i));
    }
    fields.emplace_back("truncated", tally.truncated);
    log(Level::info, "answered", fields);
  }
}

void tell_of_nameservers(const blowback::config::Zone& zone) {
  for (const auto& name : blowback::config::without_address(zone)) {
    log(Level::warning, "nameserver-without-address",
        {{"name", name},
         Field::sentence("detail",
                         "it is in the zone, so resolvers may ask for its address here, and hear that there is none; "
                         "write that behind a name below the zone's in zone.nameservers, or take one outside of it")});
  }
}

/// Without the filter the server does all the same.
void restrict_system_calls() {
  const auto restricted = blowback::restrict_system_calls();
  if (!restricted) log(Level::warning, "sandbox-skipped", {Field::sentence("detail", restricted.error().text)});
}

/// The running server and what it runs on. Made whole or not at all; changed by a new config as far as that differs.
class Server {
 public:
  /// Fails with a line for standard error.
  [[nodiscard]] std::optional<std::string> start(blowback::config::Config config) {
    auto served = ServedZone::of(config.zone, config.server, random_.cookie_secret);
    if (!served) return served.error();
    zone_.publish(std::move(*served));
    follow(config);
    auto started = Responders::start(config.server, sources(), {});
    if (!started) return started.error().text;
    take(std::move(*started), config.server);
    config_ = std::move(config);
    open_status_socket(config_.server.status_socket);
    open_metrics();
    if (config_.server.sandbox) restrict_system_calls();
    tell_of_nameservers(config_.zone);
    log(Level::info, "serving", {{"zone", config_.zone.name}, {"endpoints", config_.server.listen.size()}});
    return std::nullopt;
  }

  /// SIGHUP: takes over the config in `file`. One that can't be served is told, and everything stays as it was.
  void reload(const std::string& file) {
    auto config = blowback::config::load(file, blowback::config::TrapFile::left_out);
    const auto refused = config ? change(std::move(*config)) : config.error().text;
    auto in_force = blowback::watch::after_reload(in_force_, file, refused, clock_.now());
    const std::scoped_lock lock(mutex_);
    in_force_ = std::move(in_force);
  }

  void stop() {
    metrics_.reset();
    status_socket_.reset();
    responders_->stop();
    tell(counts());
  }

  /// For any thread.
  [[nodiscard]] blowback::net::Status status() {
    blowback::net::Status status;
    status.version = BLOWBACK_VERSION;
    status.started_at = started_at_;
    status.now = clock_.now();
    status.clock_doubt = clock_.doubt();
    const auto steady = std::chrono::steady_clock::now();
    const auto milliseconds = [](const auto& span) { return std::chrono::floor<std::chrono::milliseconds>(span); };
    const auto if_known = [&](const auto& span) { return span ? std::optional(milliseconds(*span)) : std::nullopt; };
    {
      const std::scoped_lock lock(mutex_);
      status.zone = config_.zone.name;
      status.config = in_force_;
      status.counts = counts();
      status.workers_turned_ago = milliseconds(responders_->since_turned(steady));
    }
    status.list.checked_ago = if_known(freshness_.since_looked(steady));
    status.list.caught_up_ago = if_known(freshness_.since_caught_up(steady));
    status.list.changed_ago = if_known(freshness_.since_published(steady));
    status.list.publishing = if_known(freshness_.publishing());
    status.list.tally = freshness_.tally();
    status.follower_turned_ago = if_known(freshness_.since_turned(steady));
    // A reader for this once: one that is kept would keep an old list's memory until somebody asks again.
    blowback::zone::Published<blowback::zone::View>::Reader reader(view_);
    if (const auto* const view = reader.get(); view != nullptr && view->index) {
      status.list.ready = true;
      status.list.stale = view->stale;
      status.list.serial = view->index->serial();
      status.list.entries = view->index->size();
      status.list.octets = view->index->octets();
    }
    return status;
  }

 private:
  /// Why it can't be served; then everything is as it was.
  [[nodiscard]] std::optional<std::string> change(blowback::config::Config config) {
    auto served = ServedZone::of(config.zone, config.server, random_.cookie_secret);
    if (!served) return served.error();
    // The list that is served would be lost for a database that can't be read.
    const bool is_another = config.database != config_.database;
    if (is_another) {
      if (auto why = blowback::zone::why_not_followed(config.database)) return why;
    }
    if (sockets_differ(config.server)) {
      auto started = Responders::start(config.server, sources(), config_.server.listen);
      if (!started) return started.error().text;
      const std::scoped_lock lock(mutex_);
      responders_->stop();
      former_ += responders_->counts();
      take(std::move(*started), config.server);
    }
    zone_.publish(std::move(*served));
    if (is_another || config.server.stale_after != config_.server.stale_after) follow(config);
    // Also where the path is the same and was taken before: it may be free by now.
    const bool opens = !status_socket_ || config.server.status_socket != config_.server.status_socket;
    const bool opens_metrics = !metrics_ || config.metrics.server != config_.metrics.server;
    {
      const std::scoped_lock lock(mutex_);
      config_ = std::move(config);
    }
    if (opens) open_status_socket(config_.server.status_socket);
    if (opens_metrics) open_metrics();
    blowback::watch::log_by(config_.log);
    tell_of_nameservers(config_.zone);
    return std::nullopt;
  }

  void follow(const blowback::config::Config& config) {
    follower_.reset();  // one writer at a time
    follower_ = std::make_unique<blowback::zone::Follower>(
        blowback::zone::Follower::Settings{
            .database = config.database, .stale_after = config.server.stale_after, .freshness = &freshness_},
        view_, [this] { return noticed_now(); }, [](const blowback::zone::FollowerReport& report) { tell(report); });
  }

  /// For the follower, which asks many times a second and so is who notices a step.
  [[nodiscard]] blowback::UnixTime noticed_now() {
    const auto now = clock_.now();
    clock_log_.look(clock_.doubt());
    return now;
  }

  void take(Responders responders, const blowback::config::Server& server) {
    responders_.emplace(std::move(responders));
    for (const auto& skipped : responders_->skipped()) {
      log(Level::warning, "endpoint-skipped", {Field::sentence("detail", skipped)});
    }
    const auto wanted = static_cast<std::size_t>(server.tcp_connections);
    if (responders_->tcp_connections() < wanted) {
      log(Level::warning, "descriptors-short",
          {{"wanted", wanted}, {"possible", responders_->tcp_connections()}, {"limit", blowback::descriptor_limit()}});
    }
  }

  /// The one that is open ends. Without one the server does all the same.
  void open_status_socket(const std::string& path) {
    status_socket_.reset();
    if (path.empty()) return;
    auto opened = StatusSocket::open(path, [this] { return blowback::net::to_json(status()); });
    if (opened) {
      status_socket_.emplace(std::move(*opened));
    } else {
      log(Level::warning, "status-socket-skipped", {Field::sentence("detail", opened.error().text)});
    }
  }

  /// Since the process began.
  [[nodiscard]] Counts counts() const {
    auto sum = former_;
    sum += responders_->counts();
    return sum;
  }

  /// As the status socket: the one that is open ends, and without one the server does all the same.
  void open_metrics() {
    metrics_.reset();
    if (!config_.metrics.server) return;
    auto opened =
        blowback::watch::HttpListener::open(*config_.metrics.server, "metrics.server",
                                            {.metrics = [this] { return blowback::net::to_metrics(status()); },
                                             .health = [this] { return blowback::net::health(status()); },
                                             .readiness = [this] { return blowback::net::readiness(status()); }});
    if (opened) {
      metrics_.emplace(std::move(*opened));
    } else {
      log(Level::warning, "metrics-skipped", {Field::sentence("detail", opened.error().text)});
    }
  }

  [[nodiscard]] Responders::Sources sources() const {
    return {.zone = zone_,
            .view = view_,
            .clock = [this] { return clock_.glance(); },
            .rate_limit_key = random_.rate_limit_key};
  }

  [[nodiscard]] bool sockets_differ(const blowback::config::Server& server) const {
    const auto& now = config_.server;
    return server.workers != now.workers || server.tcp_connections != now.tcp_connections ||
           server.tcp_idle != now.tcp_idle || server.rate_limit != now.rate_limit ||
           !std::ranges::equal(server.listen, now.listen,
                               [](const auto& a, const auto& b) { return a.address == b.address && a.port == b.port; });
  }

  /// Drawn once: with new ones all clients' cookies would be bad.
  struct Random {
    blowback::answer::CookieSecret cookie_secret{};
    blowback::answer::RateLimiter::Key rate_limit_key{};
    Random() {
      // Up to 256 octets come whole, once the system has gathered enough for anybody (getrandom(2)).
      if (getentropy(cookie_secret.data(), cookie_secret.size()) != 0 ||
          getentropy(rate_limit_key.data(), rate_limit_key.size()) != 0) {
        std::fputs("blowback-server: the system has no random numbers\n", stderr);
        std::exit(kExitSystem);
      }
    }
  };

  Random random_;
  // In the order of their dependence: what is published outlives who reads and writes it.
  blowback::DaemonClock clock_;
  blowback::watch::ClockLog clock_log_;  ///< the follower's
  blowback::zone::Published<ServedZone> zone_;
  blowback::zone::Published<blowback::zone::View> view_;
  blowback::zone::Freshness freshness_;
  std::unique_ptr<blowback::zone::Follower> follower_;
  /// Guards the next four between main, which changes them, and whoever is told the status. No worker comes here.
  mutable std::mutex mutex_;
  Counts former_;  ///< of responders that a new config ended
  std::optional<Responders> responders_;
  blowback::config::Config config_;
  blowback::watch::ConfigInForce in_force_{.read_at = clock_.now(), .refused = {}, .refused_at = {}};
  blowback::UnixTime started_at_ = clock_.now();
  // Last: they read all of the above.
  std::optional<StatusSocket> status_socket_;
  std::optional<blowback::watch::HttpListener> metrics_;
};

/// What `systemctl status` shows.
[[nodiscard]] std::string in_a_sentence(const blowback::net::Status& status) {
  return blowback::watch::status_sentence(
      fmt::format("serving {}: {} entries, serial {}", status.zone, status.list.entries, status.list.serial),
      blowback::net::readiness(status));
}

int run(const std::string& file) {
  // Blocked before any thread starts, so that all threads inherit it and only sigtimedwait meets the signals.
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, number);
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  // Whoever reads standard error may go away: then a log line is lost, and not the server.
  std::signal(SIGPIPE, SIG_IGN);

  blowback::raise_descriptor_limit();
  auto config = blowback::config::load(file, blowback::config::TrapFile::left_out);
  if (!config) {
    std::fprintf(stderr, "blowback-server: %s\n", config.error().text.c_str());
    return kExitConfig;
  }
  blowback::watch::log_by(config->log);
  blowback::watch::ServiceManager manager({.notify_socket = std::getenv("NOTIFY_SOCKET"),
                                           .watchdog_usec = std::getenv("WATCHDOG_USEC"),
                                           .watchdog_pid = std::getenv("WATCHDOG_PID")});
  if (!config->server.user.empty()) {
    // Before anything is opened: the database, the status socket and the threads are that user's from the start.
    if (const auto done = blowback::become_user(config->server.user); !done) {
      std::fprintf(stderr, "blowback-server: %s\n", done.error().text.c_str());
      return kExitSystem;
    }
  }
  Server server;
  if (const auto error = server.start(std::move(*config))) {
    std::fprintf(stderr, "blowback-server: %s\n", error->c_str());
    return kExitSystem;
  }
  const auto interval = manager.interval();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(interval);
  const timespec pause{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(interval - seconds).count()};
  const auto ready_by = std::chrono::steady_clock::now() + kFirstListPatience;
  bool told_ready = false;
  while (true) {
    if (manager.listens()) {
      const auto status = server.status();
      const auto now = std::chrono::steady_clock::now();
      manager.status(in_a_sentence(status));
      if (!told_ready && (status.list.ready || now >= ready_by)) {
        told_ready = true;
        manager.ready();
      }
      manager.turned(now, blowback::net::health(status).empty());
    }
    const int number = manager.listens() ? sigtimedwait(&watched, nullptr, &pause) : sigwaitinfo(&watched, nullptr);
    if (number < 0) continue;
    if (number != SIGHUP) break;
    manager.reloading();
    server.reload(file);
    if (told_ready) manager.ready();
  }
  manager.stopping();
  server.stop();
  log(Level::info, "stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string file;
  CLI::App app{"Serves the list of backscatterers as an authoritative DNS zone."};
  app.footer(
      "Examples:\n"
      "  blowback-server --config /etc/blowback/blowback.toml\n"
      "  dig -p 5300 @127.0.0.1 2.0.0.127.bl.example.org A      the zone's test point answers 127.0.0.2\n"
      "SIGHUP reads the config again, SIGTERM ends.\n");
  app.add_option("--config", file, "Config file (BLOWBACK_CONFIG, /etc/blowback/blowback.toml)");
  app.set_version_flag("--version", BLOWBACK_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitConfig;
  }
  return run(blowback::config::config_path(file, std::getenv("BLOWBACK_CONFIG")));
}
