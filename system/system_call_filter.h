// Restricts the system calls that a running daemon may make, by the kernel's filter (seccomp) and libseccomp.
//
// It limits the damage if an attacker makes the server execute code. What the server itself needs is allowed, also after a reload:
// it opens files and sockets and starts threads. Calls that only an attacker makes end the process: to execute a program, to create or
// trace a process, to mount, to load a module. All other calls fail with EPERM, as on a kernel without them, so that a
// call that we forgot costs a log line and not the service.
#pragma once

#include <expected>
#include <string>

namespace blowback {

struct FilterError {
  std::string text;
};

/// Applies to all threads, also those that start later, and can't be undone. Fails if the kernel or the container has no seccomp;
/// then nothing has changed. A build with sanitizers does nothing here.
[[nodiscard]] std::expected<void, FilterError> restrict_system_calls();

}  // namespace blowback
