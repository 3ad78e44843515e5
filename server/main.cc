// blowback-server: serves the list as an authoritative zone. Thin: arguments, signals, wiring.
//
// It reads the database and its config, and speaks on its own sockets; it writes nothing, and connects to nobody but to its
// own status socket's path, to learn whether another server lives there.
#include "answer/served_zone.h"
#include "config/config.h"
#include "net/responders.h"
#include "net/status.h"
#include "net/status_socket.h"
#include "sandbox/privileges.h"
#include "sandbox/system_calls.h"
#include "zone/follower.h"
#include "zone/published.h"

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace {

using blowback::answer::ServedZone;
using blowback::net::Counts;
using blowback::net::Responders;
using blowback::net::StatusSocket;

constexpr int kExitConfig = 2;
constexpr int kExitSystem = 3;

blowback::UnixTime clock_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

void tell(const blowback::zone::FollowerReport& report) {
  using Event = blowback::zone::FollowerReport::Event;
  switch (report.event) {
    case Event::loaded:
      spdlog::info("list-loaded entries={} serial={}", report.count, report.serial);
      return;
    case Event::not_ready:
      spdlog::error("list-not-ready detail=\"{}\"", report.text);
      return;
    case Event::lost:
      spdlog::error("database-lost serial={} detail=\"{}\"", report.serial, report.text);
      return;
    case Event::stale:
      spdlog::critical("list-stale serial={} detail=\"{}\"", report.serial, report.text);
      return;
    case Event::recovered:
      spdlog::info("database-back serial={}", report.serial);
      return;
  }
}

void tell(const Counts& counts) {
  for (const auto* const transport : {"udp", "tcp"}) {
    const auto& tally = transport == std::string_view("udp") ? counts.udp : counts.tcp;
    std::string line;
    for (std::size_t i = 0; i < blowback::answer::kOutcomes; ++i) {
      line += fmt::format(" {}={}", blowback::answer::name_of(static_cast<blowback::answer::Outcome>(i)),
                          tally.by_outcome[i]);
    }
    spdlog::info("answered transport={}{} truncated={}", transport, line, tally.truncated);
  }
}

/// Without the filter the server does all the same.
void restrict_system_calls() {
  const auto restricted = blowback::sandbox::restrict_system_calls();
  if (!restricted) spdlog::warn("sandbox-skipped detail=\"{}\"", restricted.error().text);
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
    take(std::move(*started));
    config_ = std::move(config);
    open_status_socket(config_.server.status_socket);
    if (config_.server.sandbox) restrict_system_calls();
    spdlog::info("serving zone={} endpoints={}", config_.zone.name, config_.server.listen.size());
    return std::nullopt;
  }

  /// A config that can't be served is told, and everything stays as it was.
  void change(blowback::config::Config config) {
    auto served = ServedZone::of(config.zone, config.server, random_.cookie_secret);
    if (!served) {
      spdlog::error("config-kept detail=\"{}\"", served.error());
      return;
    }
    if (sockets_differ(config.server)) {
      auto started = Responders::start(config.server, sources(), config_.server.listen);
      if (!started) {
        spdlog::error("config-kept detail=\"{}\"", started.error().text);
        return;
      }
      const std::scoped_lock lock(mutex_);
      responders_->stop();
      former_ += responders_->counts();
      take(std::move(*started));
    }
    zone_.publish(std::move(*served));
    if (config.database != config_.database || config.server.stale_after != config_.server.stale_after) follow(config);
    // Also where the path is the same and was taken before: it may be free by now.
    const bool opens = !status_socket_ || config.server.status_socket != config_.server.status_socket;
    {
      const std::scoped_lock lock(mutex_);
      config_ = std::move(config);
    }
    if (opens) open_status_socket(config_.server.status_socket);
    spdlog::info("config-read file={}", config_.file);
  }

  void stop() {
    status_socket_.reset();
    responders_->stop();
    tell(counts());
  }

 private:
  void follow(const blowback::config::Config& config) {
    follower_.reset();  // one writer at a time
    follower_ = std::make_unique<blowback::zone::Follower>(
        blowback::zone::Follower::Settings{
            .database = config.database, .stale_after = config.server.stale_after, .freshness = &freshness_},
        view_, clock_now, [](const blowback::zone::FollowerReport& report) { tell(report); });
  }

  void take(Responders responders) {
    responders_.emplace(std::move(responders));
    for (const auto& skipped : responders_->skipped()) spdlog::warn("endpoint-skipped detail=\"{}\"", skipped);
  }

  /// The one that is open ends. Without one the server does all the same.
  void open_status_socket(const std::string& path) {
    status_socket_.reset();
    if (path.empty()) return;
    auto opened = StatusSocket::open(path, [this] { return blowback::net::to_json(status()); });
    if (opened) {
      status_socket_.emplace(std::move(*opened));
    } else {
      spdlog::warn("status-socket-skipped detail=\"{}\"", opened.error().text);
    }
  }

  /// Since the process began.
  [[nodiscard]] Counts counts() const {
    auto sum = former_;
    sum += responders_->counts();
    return sum;
  }

  /// In the status socket's thread.
  [[nodiscard]] blowback::net::Status status() const {
    blowback::net::Status status{.version = BLOWBACK_VERSION,
                                 .zone = {},
                                 .started_at = started_at_,
                                 .now = clock_now(),
                                 .list = {},
                                 .counts = {}};
    {
      const std::scoped_lock lock(mutex_);
      status.zone = config_.zone.name;
      status.counts = counts();
    }
    const auto milliseconds = [](const auto& span) {
      return span ? std::optional(std::chrono::floor<std::chrono::milliseconds>(*span)) : std::nullopt;
    };
    const auto steady = std::chrono::steady_clock::now();
    status.list.checked_ago = milliseconds(freshness_.since_looked(steady));
    status.list.changed_ago = milliseconds(freshness_.since_published(steady));
    status.list.publishing = milliseconds(freshness_.publishing());
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

  [[nodiscard]] Responders::Sources sources() const {
    return {.zone = zone_, .view = view_, .clock = clock_now, .rate_limit_key = random_.rate_limit_key};
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
  blowback::zone::Published<ServedZone> zone_;
  blowback::zone::Published<blowback::zone::View> view_;
  blowback::zone::Freshness freshness_;
  std::unique_ptr<blowback::zone::Follower> follower_;
  /// Guards the next three between main, which changes them, and the status socket, which reads them. No worker comes here.
  mutable std::mutex mutex_;
  Counts former_;  ///< of responders that a new config ended
  std::optional<Responders> responders_;
  blowback::config::Config config_;
  blowback::UnixTime started_at_ = clock_now();
  std::optional<StatusSocket> status_socket_;  ///< last: it reads all of the above
};

int run(const std::string& file) {
  // Blocked before any thread starts, so that all threads inherit it and only sigwait meets the signals.
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, number);
  pthread_sigmask(SIG_BLOCK, &watched, nullptr);

  auto config = blowback::config::load(file);
  if (!config) {
    std::fprintf(stderr, "blowback-server: %s\n", config.error().text.c_str());
    return kExitConfig;
  }
  if (!config->server.user.empty()) {
    // Before anything is opened: the database, the status socket and the threads are that user's from the start.
    if (const auto done = blowback::sandbox::become(config->server.user); !done) {
      std::fprintf(stderr, "blowback-server: %s\n", done.error().text.c_str());
      return kExitSystem;
    }
  }
  Server server;
  if (const auto error = server.start(std::move(*config))) {
    std::fprintf(stderr, "blowback-server: %s\n", error->c_str());
    return kExitSystem;
  }
  while (true) {
    int number = 0;
    if (sigwait(&watched, &number) != 0) continue;
    if (number != SIGHUP) break;
    if (auto again = blowback::config::load(file)) {
      server.change(std::move(*again));
    } else {
      spdlog::error("config-kept detail=\"{}\"", again.error().text);
    }
  }
  server.stop();
  spdlog::info("stopped");
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
  spdlog::set_default_logger(spdlog::stderr_color_mt("blowback-server"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%SZ %l %v", spdlog::pattern_time_type::utc);
  return run(blowback::config::config_path(file, std::getenv("BLOWBACK_CONFIG")));
}
