// Which system calls a daemon may still make once it runs: the kernel's filter (seccomp), put up by libseccomp.
//
// It is for the day when somebody has made the server execute code of his. What the server does by itself is allowed, a new
// config included: files and sockets are opened, threads begin. What is only ever an attack ends the process: another
// program executed, another process made or traced, a mount, a module. Anything else fails with EPERM, as on a kernel that
// can't do it, so that a call we didn't think of costs a log line and not the service.
#pragma once

#include <expected>
#include <string>

namespace blowback::sandbox {

struct FilterError {
  std::string text;
};

/// For all threads, those that begin later, and for good. Fails where the kernel has no such filter; then nothing has changed.
/// In a build with sanitizers it does nothing.
[[nodiscard]] std::expected<void, FilterError> restrict_system_calls();

}  // namespace blowback::sandbox
