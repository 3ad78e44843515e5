// blowback-ingest: reads trap mail, judges it, scores who sent it, records all of it. Thin: arguments, signals, wiring.
//
// It needs the database and its feeds' files, and no network.
#include "config/config.h"
#include "record/ingest_loop.h"
#include "schema/store.h"

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/signalfd.h>

namespace {

using blowback::record::Ended;

constexpr int kExitConfig = 2;
constexpr int kExitSystem = 3;
/// EX_TEMPFAIL of sysexits.h: a mail server that pipes to us keeps the message and tries again.
constexpr int kExitTryAgain = 75;

struct Arguments {
  std::string config;
  blowback::record::LoopOptions loop;
  bool verbose = false;
};

blowback::UnixTime clock_now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

/// SIGTERM, SIGINT and SIGHUP come through a descriptor, so that the loop meets them between two chunks.
class Signals {
 public:
  Signals() {
    sigset_t watched;
    sigemptyset(&watched);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, number);
    sigprocmask(SIG_BLOCK, &watched, nullptr);
    descriptor_ = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { close(descriptor_); }

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] Ended asked() const {
    signalfd_siginfo info{};
    if (read(descriptor_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return Ended::drained;
    return info.ssi_signo == SIGHUP ? Ended::reload : Ended::stop;
  }

 private:
  int descriptor_ = -1;
};

/// Every `--feed` must name one of the config's.
[[nodiscard]] bool feeds_exist(const blowback::config::Config& config, const std::vector<std::string>& names) {
  return std::ranges::all_of(names, [&](const std::string& name) {
    const bool known =
        std::ranges::any_of(config.feeds, [&](const blowback::config::Feed& feed) { return feed.name == name; });
    if (!known) {
      std::fprintf(stderr, "blowback-ingest: --feed %s: no such feed in %s\n", name.c_str(), config.file.c_str());
    }
    return known;
  });
}

/// A message piped in must not be lost when we can't take it: its MTA is asked to try again.
[[nodiscard]] bool reads_a_pipe(const blowback::config::Config& config, const std::vector<std::string>& names) {
  return std::ranges::any_of(config.feeds, [&](const blowback::config::Feed& feed) {
    return feed.type == blowback::config::FeedType::standard_input &&
           (names.empty() || std::ranges::find(names, feed.name) != names.end());
  });
}

int run(const Arguments& arguments) {
  auto config = blowback::config::load(arguments.config);
  if (!config) {
    std::fprintf(stderr, "blowback-ingest: %s\n", config.error().text.c_str());
    return kExitConfig;
  }
  if (!feeds_exist(*config, arguments.loop.only_feeds)) return kExitConfig;
  if (config->feeds.empty()) {
    std::fprintf(stderr,
                 "blowback-ingest: %s: no [[feed]] in it; add one, for example type = \"maildir\" with its path\n",
                 config->file.c_str());
    return kExitConfig;
  }
  const int system_failed = reads_a_pipe(*config, arguments.loop.only_feeds) ? kExitTryAgain : kExitSystem;
  const Signals signals;
  const blowback::record::Surroundings surroundings{
      .now = clock_now, .signal_fd = signals.descriptor(), .asked = [&] { return signals.asked(); }};
  while (true) {
    auto store = blowback::schema::Store::open(config->database, blowback::schema::Store::Mode::create);
    if (!store) {
      std::fprintf(stderr, "blowback-ingest: %s\n", store.error().text.c_str());
      return system_failed;
    }
    switch (blowback::record::run(*config, arguments.loop, *store, surroundings)) {
      case Ended::drained:
        return 0;
      case Ended::feed_failed:
      case Ended::store_failed:
        return system_failed;
      case Ended::stop:
        spdlog::info("stopped");
        return 0;
      case Ended::reload:
        break;
    }
    auto again = blowback::config::load(arguments.config);
    if (!again) {
      spdlog::error("config-kept detail=\"{}\"", again.error().text);
    } else if (feeds_exist(*again, arguments.loop.only_feeds)) {
      config = std::move(again);
      spdlog::info("config-read file={}", config->file);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  std::string client_ip;
  std::string sender;
  CLI::App app{"Reads trap mail, judges it, and records who sent backscatter."};
  app.footer(
      "Examples:\n"
      "  blowback-ingest                      run on and watch the feeds of the config\n"
      "  blowback-ingest --once               take what is there, then exit 0\n"
      "  blowback-ingest --once --feed pipe --client-ip 192.0.2.1 --sender '' --recipient a@trap.example.net < mail\n");
  app.add_option("--config", arguments.config, "Config file (BLOWBACK_CONFIG, /etc/blowback/blowback.toml)");
  app.add_flag("--once", arguments.loop.once, "Take what is there and exit");
  app.add_option("--feed", arguments.loop.only_feeds, "Only this feed; may be given several times");
  auto* const client_option =
      app.add_option("--client-ip", client_ip, "stdin: address that connected to your mail server");
  app.add_option("--helo", arguments.loop.stdin_envelope.helo, "stdin: its HELO name");
  auto* const sender_option = app.add_option("--sender", sender, "stdin: reverse-path, '' for the null reverse-path");
  app.add_option("--recipient", arguments.loop.stdin_envelope.rcpt_to,
                 "stdin: forward-path; may be given several times");
  app.add_flag("--verbose", arguments.verbose, "Log every batch");
  app.set_version_flag("--version", BLOWBACK_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitConfig;
  }
  if (*client_option) arguments.loop.stdin_envelope.client_ip = client_ip;
  if (*sender_option) arguments.loop.stdin_envelope.mail_from = sender;
  arguments.loop.stdin_envelope = blowback::feed::completed_by_environment(
      arguments.loop.stdin_envelope, [](const char* name) -> const char* { return std::getenv(name); });
  arguments.loop.show_progress = isatty(STDERR_FILENO) != 0;
  arguments.config = blowback::config::config_path(arguments.config, std::getenv("BLOWBACK_CONFIG"));

  spdlog::set_default_logger(spdlog::stderr_color_mt("blowback-ingest"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%SZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(arguments.verbose ? spdlog::level::debug : spdlog::level::info);
  return run(arguments);
}
