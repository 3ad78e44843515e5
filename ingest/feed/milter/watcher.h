// The process that has libmilter in it. blowback-ingest starts itself once more for it, once per feed of type milter.
//
// libmilter takes SIGHUP, SIGTERM and SIGINT for itself, serves one socket per process and can't be started twice: see
// docs/decisions.md.
#pragma once

#include "blowback/unix_time.h"

#include <functional>
#include <string_view>

namespace blowback::milter {

/// The one argument that makes blowback-ingest a watcher. Not for people, so it stands in no --help.
inline constexpr std::string_view kWatcherOption = "--watch-mail-server";
/// Where it finds its end of the pair of sockets.
inline constexpr int kWatcherDescriptor = 3;

/// Reads its `Setup` (frame.h) from the socket, listens, and tells of what passes until the other end is closed. `now` is called
/// from libmilter's threads. The exit
/// status: 0, or 2 where nobody is at the other end.
[[nodiscard]] int watch_mail_server(int socket, std::function<UnixTime()> now);

}  // namespace blowback::milter
