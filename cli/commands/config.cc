// `blowback config check|show`: whether the daemons can run with this config, and all values including defaults.
#include "arguments.h"
#include "certificate_findings.h"
#include "commands.h"
#include "config/written.h"
#include "feed_findings.h"
#include "findings.h"
#include "record/signatures.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace blowback::cli {
namespace {

namespace fs = std::filesystem;

constexpr Wording kWording{
    .grade = "state", .grades = {"ok", "warning", "problem"}, .advice = "mend", .has_source = true};

[[nodiscard]] fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

[[nodiscard]] bool may_write(const fs::path& path) { return ::access(path.c_str(), W_OK) == 0; }

/// What each daemon needs at its start, except ports: a running daemon has its own in use.
class Check {
 public:
  Check(const config::Config& config, const config::Lines& lines, UnixTime now, Findings& findings)
      : config_(config), lines_(lines), now_(now), findings_(findings) {}

  void look(bool at_server, bool at_ingest) {
    findings_.good("config", "every key is valid", config_.file);
    look_at_database(at_server, at_ingest);
    if (at_ingest) {
      look_at_signatures();
      look_at_witnesses(config_, source("traps", "domains"), findings_);
      if (config_.feeds.empty()) {
        findings_.bad("feeds", "none are configured, so ingest has nothing to read", "add a [[feed]]", config_.file);
      }
      look_at_feeds(
          config_, [this](std::size_t feed, std::string_view key) { return source(fmt::format("feed.{}", feed), key); },
          now_, findings_);
      for (std::size_t i = 0; i < config_.feeds.size(); ++i) {
        for (const auto& at : config_.feeds.at(i).listener.listen) {
          if (const auto* path = std::get_if<std::string>(&at)) {
            look_at_socket("feed " + config_.feeds.at(i).name, *path, source(fmt::format("feed.{}", i), "listen"));
          }
        }
      }
      look_at_endpoint("metrics.ingest", config_.metrics.ingest);
    }
    if (at_server) {
      look_at_zones();
      look_at_user();
      look_at_keys();
      look_at_transfer_tls(config_.server.transfer.tls, now_, source("transfer", "tls_certificate"), findings_);
      if (!config_.server.status_socket.empty()) {
        look_at_socket("server.status_socket", config_.server.status_socket, source("server", "status_socket"));
      }
      look_at_endpoint("metrics.server", config_.metrics.server);
    }
  }

 private:
  void look_at_zones() {
    // `[[zone]]` may stand there once only.
    const bool are_numbered = lines_.contains("zone.0");
    std::size_t place = 0;
    for (const auto& zone : config_.zones()) {
      const auto table = are_numbered ? fmt::format("zone.{}", place++) : std::string("zone");
      look_at_name_servers(zone, source(table, "nameservers"), findings_);
    }
  }

  void look_at_signatures() {
    if (config_.detect.signatures.empty()) return;
    const auto where = source("detect", "signatures");
    if (const auto made = record::signatures_of(config_.detect); !made) {
      findings_.bad("detect.signatures", made.error(), "correct the line, or remove the file from the list", where);
    } else {
      findings_.good("detect.signatures", "every line is valid", where);
    }
  }

  /// `FILE:LINE` of the key, or of its table if the key is absent.
  [[nodiscard]] std::string source(std::string_view table, std::string_view key) const {
    const auto name = table.empty() ? std::string(key) : fmt::format("{}.{}", table, key);
    for (const auto& written : {name, std::string(table)}) {
      if (const auto found = lines_.find(written); found != lines_.end()) {
        return fmt::format("{}:{}", config_.file, found->second);
      }
    }
    return config_.file;
  }

  void look_at_database(bool at_server, bool at_ingest) {
    using enum schema::StoreError::Code;
    const auto& file = config_.database;
    const auto from = source("", "database");
    const auto folder = folder_of(file);
    if (at_ingest && (!may_write(folder) || (fs::exists(file) && !may_write(file)))) {
      findings_.bad(
          "database", fmt::format("{}: this user can't write to it or its folder, or the folder doesn't exist", file),
          "create the folder, and make the user who runs blowback-ingest the owner of it and the database", from);
      return;
    }
    const auto store = schema::Store::open(file, schema::Store::Mode::read);
    if (store) {
      findings_.good("database", file, from);
    } else if (!at_server && (store.error().code == missing || store.error().code == older)) {
      findings_.good("database", fmt::format("{}: ingest creates it, or migrates it to its own format", file), from);
    } else if (std::error_code error; store.error().code == missing && fs::is_directory(folder, error)) {
      findings_.doubtful("database", file + " doesn't exist yet; until it does the server answers SERVFAIL",
                         "start blowback-ingest first, which creates it", from);
    } else {
      findings_.bad("database", store.error().text, "the message says what to do", from);
    }
  }

  /// The daemons run without the status and metrics sockets, so a missing folder for them is no reason to refuse the config. A
  /// missing folder for a feed's socket is.
  void look_at_socket(const std::string& name, const std::string& path, const std::string& from) {
    if (may_write(folder_of(path))) {
      findings_.good(name, "unix:" + path, from);
      return;
    }
    const auto found = fmt::format("{} doesn't exist, or this user can't write to it", folder_of(path).string());
    constexpr std::string_view kMend = "create the folder for the daemon's user, or name another path";
    if (name.starts_with("feed ")) {
      findings_.bad(name, found, std::string(kMend), from);
    } else {
      findings_.doubtful(name, found, std::string(kMend), from);
    }
  }

  void look_at_endpoint(const std::string& name, const std::optional<config::MetricsEndpoint>& endpoint) {
    if (!endpoint) return;
    if (const auto* path = std::get_if<std::string>(&*endpoint)) look_at_socket(name, *path, source("", name));
  }

  void look_at_keys() {
    auto transfer = config_.server.transfer;
    const bool has_keys = !transfer.keys.empty();
    if (!has_keys && transfer.tls.listen.empty()) return;
    const auto from = has_keys ? source("transfer.key.0", "secret_file") : source("transfer", "tls_key");
    if (const auto read = config::read_secrets(transfer); !read) {
      findings_.bad("transfer.key", read.error().text, "the message says what to do", from);
    } else {
      findings_.good("transfer.key", "every secret can be read, and others can't read it", from);
    }
  }

  void look_at_user() {
    const auto& user = config_.server.user;
    if (user.empty()) return;
    if (getpwnam(user.c_str()) != nullptr) {
      findings_.good("server.user", user, source("server", "user"));
    } else {
      findings_.bad("server.user", fmt::format("there is no user {} on this host", user),
                    "create the user, or name another", source("server", "user"));
    }
  }

  const config::Config& config_;
  const config::Lines& lines_;
  UnixTime now_;
  Findings& findings_;
};

/// `[server]`, `[[feed]]`, `[[transfer.key]]`.
[[nodiscard]] std::string heading_of(const std::string& table) {
  for (const std::string_view many : {"zone", "feed", "transfer.key"}) {
    if (table.starts_with(fmt::format("{}.", many))) return fmt::format("[[{}]]", many);
  }
  return fmt::format("[{}]", table);
}

int config_check(const Context& context, const std::string& daemon) {
  const auto config = context.config();
  if (!config) return config.error();
  const auto lines = config::lines_of(config->file);
  if (!lines) return context.fail(lines.error().text, kWrongUse);
  Findings findings;
  // The page needs nothing but the config itself: its templates belong to another program.
  Check(*config, *lines, context.world.now, findings)
      .look(daemon != "ingest" && daemon != "web", daemon != "server" && daemon != "web");
  findings.print(context, kWording);
  return findings.any_bad() ? kNo : kYes;
}

int config_show(const Context& context) {
  const auto config = context.config();
  if (!config) return config.error();
  const auto lines = config::lines_of(config->file);
  if (!lines) return context.fail(lines.error().text, kWrongUse);
  // Without the traps of the file, which are on no line of the config.
  const auto own = context.load_config(config::TrapFile::left_out);
  if (!own) return context.fail(own.error().text, kWrongUse);
  const auto traps_in_all = config->traps.domains.size() + config->traps.addresses.size();
  const auto more = traps_in_all - own->traps.domains.size() - own->traps.addresses.size();
  context.print_line("# " + config->file);
  std::string table;
  for (const auto& setting : config::settings_of(*own)) {
    if (setting.table != table) {
      table = setting.table;
      context.print_line(fmt::format("\n{}", heading_of(table)));
    }
    auto line = lines->find(setting.name());
    // `[[zone]]` that stands there once only.
    if (line == lines->end() && setting.table == "zone") line = lines->find("zone.0." + setting.key);
    auto from = line == lines->end() ? std::string("default") : fmt::format("line {}", line->second);
    if (setting.name() == "traps.file" && !own->traps.file.empty()) {
      from += fmt::format(": {} more trap{} there", more, more == 1 ? "" : "s");
    }
    if (setting.note.empty()) {
      context.print_line(fmt::format("{:<40}  # {}", fmt::format("{} = {}", setting.key, setting.value), from));
    } else {
      context.print_line(fmt::format("{:<40}  # {}", fmt::format("# {} = {}", setting.key, setting.value),
                                     fmt::format("{}: {}", from, setting.note)));
    }
  }
  return kYes;
}

}  // namespace

void add_config(Command& tool) {
  auto config =
      tool.add_group({.name = "config",
                      .summary = "Check or show the config",
                      .notes = {},
                      .examples = "  blowback config check && systemctl reload blowback-server blowback-ingest\n"});
  const auto daemon = std::make_shared<std::string>();
  auto check = config.add(
      {.name = "check",
       .summary = "Can the daemons run with it? Exits 1 if one can't",
       .notes =
           "Checks files, folders and certificates as the user who runs it, but not ports. Exit code 2: the file has "
           "mistakes,\nand each is reported with its line.",
       .examples = "  blowback config check\n"
                   "  blowback config check --daemon ingest\n"
                   "  blowback --config new.toml config check\n"},
      [daemon](const Context& context) { return config_check(context, *daemon); });
  check.option("--daemon", *daemon, "Only for this one: server, ingest or web")
      .one_of("daemon", {"server", "ingest", "web"})
      .shown_as("WHICH");
  check.format();
  config.add({.name = "show",
              .summary = "All keys with the values in force and their origin; secrets are masked",
              .notes = {},
              .examples = "  blowback config show\n"},
             config_show);
}

}  // namespace blowback::cli
