// Messages to the service manager by the protocol of sd_notify(3): datagrams of `NAME=value` lines to the socket in NOTIFY_SOCKET.
//
// Without a manager nothing is sent. If the manager's queue is full, READY, RELOADING and STOPPING wait for at most a second; STATUS and
// WATCHDOG are dropped, since others follow.
#pragma once

#include "system/descriptor.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::watch {

class ServiceManager {
 public:
  using Clock = std::chrono::steady_clock;

  /// Environment variables that a manager sets; nullptr: not set.
  struct Environment {
    const char* notify_socket = nullptr;  ///< NOTIFY_SOCKET: a path, or `@` and an abstract name
    const char* watchdog_usec = nullptr;  ///< WATCHDOG_USEC
    const char* watchdog_pid = nullptr;   ///< WATCHDOG_PID: the process that they are for; not set: this one
  };

  /// Opens the socket now, so that nothing has to be opened later under a seccomp filter.
  explicit ServiceManager(const Environment& environment);
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// Whether there is a manager.
  [[nodiscard]] bool listens() const { return socket_.is_open(); }
  /// How often `turned` should be called: each third of the watchdog's time, but at least once a second.
  [[nodiscard]] std::chrono::milliseconds interval() const;

  /// READY=1: the daemon does its work.
  void ready();
  /// RELOADING=1 with the monotonic time, as Type=notify-reload requires. `ready` ends it.
  void reloading();
  void stopping();
  /// STATUS=, if it differs from the last one. One sentence; line feeds become blanks.
  void status(std::string_view sentence);
  /// WATCHDOG=1, if there is a watchdog, `alive`, and it is time. To be called from the loop that does the work.
  void turned(Clock::time_point now, bool alive);

 private:
  void send(std::string_view note, int flags) const;

  Descriptor socket_;
  std::optional<std::chrono::microseconds> watchdog_;
  std::optional<Clock::time_point> told_at_;
  std::string status_;
};

}  // namespace blowback::watch
