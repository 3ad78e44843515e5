#include "service/serve.h"

#include "net/metrics.h"
#include "watch/health.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace blowback::service {
namespace {

/// How long the service manager waits for the first list. After that the server counts as started without one: whoever waits for the
/// start, such as the installation of a package, can't help by waiting longer.
constexpr std::chrono::seconds kFirstListPatience{10};

/// The line that `systemctl status` shows.
[[nodiscard]] std::string status_line(const net::Status& status) {
  return watch::status_sentence(
      fmt::format("serving {}: {} entries, serial {}", status.zone, status.list.entries, status.list.serial),
      net::readiness(status));
}

[[nodiscard]] timespec as_timespec(std::chrono::milliseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(time - seconds).count()};
}

}  // namespace

sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void serve(Server& server, const std::string& config_file, watch::ServiceManager& manager, const sigset_t& signals) {
  using Clock = std::chrono::steady_clock;
  const timespec pause = as_timespec(manager.interval());
  const auto ready_by = Clock::now() + kFirstListPatience;
  bool reported_ready = false;
  while (true) {
    if (manager.listens()) {
      const auto status = server.status();
      const auto now = Clock::now();
      manager.status(status_line(status));
      if (!reported_ready && (status.list.ready || now >= ready_by)) {
        reported_ready = true;
        manager.ready();
      }
      manager.turned(now, net::health(status).empty());
    }
    const int number = manager.listens() ? sigtimedwait(&signals, nullptr, &pause) : sigwaitinfo(&signals, nullptr);
    if (number < 0) continue;
    if (number != SIGHUP) break;
    manager.reloading();
    server.reload(config_file);
    if (reported_ready) manager.ready();
  }
  manager.stopping();
  server.stop();
}

}  // namespace blowback::service
