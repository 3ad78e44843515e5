// The main thread of blowback-server: signals, and notes to the service manager.
#pragma once

#include "service/server.h"
#include "watch/notify.h"

#include <csignal>
#include <string>

namespace blowback::service {

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and in those that it starts, so that only `serve` receives them. Ignores SIGPIPE: if the
/// reader of standard error goes away, a log line is lost, and the server goes on. To be called before any thread starts.
[[nodiscard]] sigset_t block_signals();

/// Runs a server that was started, until SIGTERM or SIGINT; then stops it. SIGHUP reloads `config_file`. Meanwhile it reports to `manager`
/// that the server is ready, what it does, and that it is alive.
void serve(Server& server, const std::string& config_file, watch::ServiceManager& manager, const sigset_t& signals);

}  // namespace blowback::service
