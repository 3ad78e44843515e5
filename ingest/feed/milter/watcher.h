// The process that runs libmilter. blowback-ingest starts itself again as this process, once per feed of type milter.
//
// libmilter handles SIGHUP, SIGTERM and SIGINT itself, serves one socket per process and can't be started twice: see docs/decisions.md.
#pragma once

#include "blowback/unix_time.h"

#include <functional>
#include <string_view>

namespace blowback::milter {

/// The only argument of such a process. It isn't for users, so --help doesn't show it.
inline constexpr std::string_view kWatcherOption = "--watch-mail-server";
/// The descriptor of its end of the socket pair.
inline constexpr int kWatcherDescriptor = 3;

/// Reads its `Setup` (frame.h) from the socket, listens, and reports messages to traps and callouts until the other end is closed. `now` is
/// called from libmilter's threads. Returns the exit status: 0, or 2 if the other end isn't blowback-ingest.
[[nodiscard]] int watch_mail_server(int socket, std::function<UnixTime()> now);

}  // namespace blowback::milter
