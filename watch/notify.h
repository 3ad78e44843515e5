// Notes to the service manager by sd_notify(3)'s protocol: one datagram of `NAME=value` lines to the socket in NOTIFY_SOCKET.
//
// Without a manager nothing is sent. Where the manager's queue is full, READY, RELOADING and STOPPING wait for a second at most;
// a status or a sign of life is lost, another follows.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::watch {

class ServiceManager {
 public:
  using Clock = std::chrono::steady_clock;

  /// What a manager puts into the environment; nullptr where it doesn't.
  struct Environment {
    const char* notify_socket = nullptr;  ///< NOTIFY_SOCKET: a path, or `@` and an abstract name
    const char* watchdog_usec = nullptr;  ///< WATCHDOG_USEC
    const char* watchdog_pid = nullptr;   ///< WATCHDOG_PID: whom it is meant for; absent: us
  };

  /// Opens the socket at once, so that nothing need be opened later, under a seccomp filter.
  explicit ServiceManager(const Environment& environment);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  ~ServiceManager();

  /// Whether there is one.
  [[nodiscard]] bool listens() const { return fd_ >= 0; }
  /// How often `turned` wants to be called: a third of the watchdog's time, at most a second; a second where there is none.
  [[nodiscard]] std::chrono::milliseconds interval() const;

  /// READY=1, once the work has begun.
  void ready();
  /// RELOADING=1 with the time since boot, as Type=notify-reload asks for. `ready` ends it.
  void reloading();
  void stopping();
  /// STATUS=, if it differs from the last. One sentence; line feeds become blanks.
  void status(std::string_view sentence);
  /// WATCHDOG=1, if one watches, it is time for it, and `alive`. To be called from where the work is.
  void turned(Clock::time_point now, bool alive);

 private:
  void send(std::string_view note, int flags) const;

  int fd_ = -1;
  std::optional<std::chrono::microseconds> watchdog_;
  std::optional<Clock::time_point> told_at_;
  std::string status_;
};

}  // namespace blowback::watch
