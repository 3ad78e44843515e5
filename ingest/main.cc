// blowback-ingest: reads trap mail, judges it, scores its senders, and records the result. daemon/ has what isn't an argument.
#include "config/config.h"
#include "daemon/daemon.h"
#include "daemon/signals.h"
#include "milter/watcher.h"
#include "system/daemon_clock.h"
#include "system/descriptor_limit.h"
#include "system/exit_status.h"

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

int main(int argc, char** argv) {
  using namespace blowback;
  // Blocks of this size are returned to the system when freed. By default glibc raises the threshold once such a block was freed
  // (mallopt(3)), and memory that many sessions used would stay in its heap in pieces.
  constexpr int kReturnedAtOnce = 256 << 10;
  mallopt(M_MMAP_THRESHOLD, kReturnedAtOnce);
  if (argc == 2 && argv[1] == milter::kWatcherOption) {
    DaemonClock clock;
    return milter::watch_mail_server(milter::kWatcherDescriptor, [&] { return clock.now(); });
  }
  daemon::Options options{.config_file = {}, .loop = {}, .verbose = false, .version = BLOWBACK_VERSION};
  auto& envelope = options.loop.stdin_envelope;
  std::string client_ip;
  std::string sender;
  CLI::App app{"Reads trap mail, judges it, and records who sent backscatter."};
  app.footer(
      "Examples:\n"
      "  blowback-ingest                      read the feeds of the config, until it is stopped\n"
      "  blowback-ingest --once               read what is there, then exit 0\n"
      "  blowback-ingest --once --feed pipe --client-ip 192.0.2.1 --sender '' --recipient a@trap.example.net < mail\n");
  app.add_option("--config", options.config_file, "Config file (BLOWBACK_CONFIG, /etc/blowback/blowback.toml)");
  app.add_flag("--once", options.loop.once, "Read what is there and exit");
  app.add_option("--feed", options.loop.only_feeds, "Only this feed; may be given several times");
  auto* const has_client =
      app.add_option("--client-ip", client_ip, "stdin: address that connected to your mail server");
  app.add_option("--helo", envelope.helo, "stdin: its HELO name");
  auto* const has_sender = app.add_option("--sender", sender, "stdin: reverse-path, '' for the null reverse-path");
  app.add_option("--recipient", envelope.rcpt_to, "stdin: forward-path; may be given several times");
  app.add_flag("--verbose", options.verbose, "Log every batch");
  app.set_version_flag("--version", BLOWBACK_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitConfig;
  }
  if (*has_client) envelope.client_ip = client_ip;
  if (*has_sender) envelope.mail_from = sender;
  envelope =
      feed::completed_by_environment(envelope, [](const char* name) -> const char* { return std::getenv(name); });
  options.loop.show_progress = isatty(STDERR_FILENO) != 0;
  options.config_file = config::config_path(options.config_file, std::getenv("BLOWBACK_CONFIG"));

  std::signal(SIGPIPE, SIG_IGN);  // if the reader of standard error goes away, a log line is lost, and ingest goes on
  raise_descriptor_limit();
  const daemon::Signals signals;
  daemon::Daemon ingest(std::move(options), {.fd = signals.fd(), .next = [&] { return signals.next(); }},
                        {.notify_socket = std::getenv("NOTIFY_SOCKET"),
                         .watchdog_usec = std::getenv("WATCHDOG_USEC"),
                         .watchdog_pid = std::getenv("WATCHDOG_PID")});
  const auto exit = ingest.run();
  if (!exit.error.empty()) std::fprintf(stderr, "blowback-ingest: %s\n", exit.error.c_str());
  return exit.status;
}
