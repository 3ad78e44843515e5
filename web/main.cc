// blowback-web: the page that explains listings.
//
// It reads the database and its config, and writes nothing but requests for removal into the database. It connects to nobody but the service manager that started it, and its own socket's
// path, to learn whether another program listens there.
#include "config/config.h"
#include "site/site.h"
#include "system/descriptor_limit.h"
#include "system/exit_status.h"
#include "system/privileges.h"
#include "watch/log.h"
#include "watch/notify.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace {

using blowback::kExitConfig;
using blowback::kExitSystem;

int failed(int code, const std::string& text) {
  std::fprintf(stderr, "blowback-web: %s\n", text.c_str());
  return code;
}

/// Where the templates are, beside this program: `/usr/share/blowback/web` for `/usr/bin/blowback-web`, and likewise in a build tree.
std::string templates_beside_program() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return "/usr/share/blowback/web";
  return (program.parent_path().parent_path() / "share" / "blowback" / "web").string();
}

int run(const std::string& file) {
  const auto signals = blowback::site::Site::block_signals();
  blowback::raise_descriptor_limit();
  auto config = blowback::config::load(file, blowback::config::TrapFile::left_out);
  if (!config) return failed(kExitConfig, config.error().text);
  blowback::watch::log_by(config->log);
  blowback::watch::ServiceManager manager({.notify_socket = std::getenv("NOTIFY_SOCKET"),
                                           .watchdog_usec = std::getenv("WATCHDOG_USEC"),
                                           .watchdog_pid = std::getenv("WATCHDOG_PID")});
  if (!config->web.user.empty()) {
    const auto done = blowback::become_user(config->web.user, "web");
    if (!done) return failed(kExitSystem, done.error().text);
  }
  blowback::site::Site site(templates_beside_program());
  if (const auto started = site.start(std::move(*config)); !started) return failed(kExitSystem, started.error().text);
  site.serve(file, manager, signals);
  blowback::watch::log(blowback::watch::Level::info, "stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string file;
  CLI::App app{"Serves the page that explains to a listed server what was seen, and when its listing ends."};
  app.footer(
      "Examples:\n"
      "  blowback-web --config /etc/blowback/blowback.toml\n"
      "  curl http://127.0.0.1:8053/192.0.2.10\n"
      "SIGHUP reads the config and the templates again, SIGTERM ends.\n");
  app.add_option("--config", file, "Config file (BLOWBACK_CONFIG, /etc/blowback/blowback.toml)");
  app.set_version_flag("--version", BLOWBACK_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitConfig;
  }
  return run(blowback::config::config_path(file, std::getenv("BLOWBACK_CONFIG")));
}
