// blowback-server: serves the list as an authoritative zone.
//
// It reads the database and its config and writes to neither; beside the database it notes which versions it has served. It connects to nobody but the
// service manager that started it, its own sockets' paths, to learn whether another server listens there, and the secondaries, which it notifies of changes and
// asks for their serial.
#include "config/config.h"
#include "service/serve.h"
#include "service/server.h"
#include "system/descriptor_limit.h"
#include "system/exit_status.h"
#include "system/privileges.h"
#include "watch/log.h"
#include "watch/notify.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace {

using blowback::kExitConfig;
using blowback::kExitSystem;

int failed(int code, const std::string& text) {
  std::fprintf(stderr, "blowback-server: %s\n", text.c_str());
  return code;
}

int run(const std::string& file) {
  const auto signals = blowback::service::block_signals();
  blowback::raise_descriptor_limit();
  auto config = blowback::config::load(file, blowback::config::TrapFile::left_out);
  if (!config) return failed(kExitConfig, config.error().text);
  blowback::watch::log_by(config->log);
  blowback::watch::ServiceManager manager({.notify_socket = std::getenv("NOTIFY_SOCKET"),
                                           .watchdog_usec = std::getenv("WATCHDOG_USEC"),
                                           .watchdog_pid = std::getenv("WATCHDOG_PID")});
  if (!config->server.user.empty()) {
    // Before anything is opened: the database, the status socket and the threads belong to that user from the start.
    const auto done = blowback::become_user(config->server.user);
    if (!done) return failed(kExitSystem, done.error().text);
  }
  const auto secrets = blowback::service::Secrets::random();
  if (!secrets) return failed(kExitSystem, secrets.error().text);
  blowback::service::Server server(BLOWBACK_VERSION, *secrets);
  if (const auto started = server.start(std::move(*config)); !started) return failed(kExitSystem, started.error().text);
  blowback::service::serve(server, file, manager, signals);
  blowback::watch::log(blowback::watch::Level::info, "stopped");
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
