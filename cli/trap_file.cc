#include "trap_file.h"

#include "replacement.h"
#include "trap_place.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

namespace blowback::cli {
namespace {

constexpr std::string_view kReload = "reload ingest to apply it: `systemctl reload blowback-ingest`";
/// Traps are secret: other users of the machine must not read them.
constexpr mode_t kMode = 0640;

/// The file, and the trap in the form that it has there.
struct Change {
  config::Config config;  ///< without the traps of the file
  config::Lines lines;
  std::string trap;
  std::string text;  ///< content of the file; "" if it doesn't exist yet
};

[[nodiscard]] OrExit<Change> read(const Context& context, const std::string& trap) {
  const auto config = context.load_config(config::TrapFile::left_out);
  if (!config) return std::unexpected(context.fail(config.error().text, kWrongUse));
  if (config->traps.file.empty()) {
    return std::unexpected(context.fail(
        "the config has no file of traps; add file = \"/etc/blowback/traps\" to [traps], or change the lists there",
        kWrongUse));
  }
  const auto line = config::trap_line(trap);
  if (!line) return std::unexpected(context.fail(fmt::format("{}: {}", harmless(trap), line.error().text), kWrongUse));
  auto lines = config::lines_of(config->file);
  if (!lines) return std::unexpected(context.fail(lines.error().text, kWrongUse));
  Change change{.config = *config, .lines = *std::move(lines), .trap = *line, .text = {}};
  const auto& file = change.config.traps.file;
  std::ifstream in(file, std::ios::binary);
  if (in) change.text.assign(std::istreambuf_iterator<char>(in), {});
  if (in.bad() || (!in.is_open() && ::access(file.c_str(), F_OK) == 0)) {
    return std::unexpected(context.fail(file + ": can't be read; check its permissions", kFailed));
  }
  return change;
}

/// The text of the file without the lines for the trap.
[[nodiscard]] std::string without(const Change& change) {
  std::string kept;
  std::istringstream lines(change.text);
  for (std::string line; std::getline(lines, line);) {
    const auto named = config::trap_line(config::trap_in(line));
    if (!named || *named != change.trap) kept += line + "\n";
  }
  return kept;
}

/// The entry that makes it a trap if the file contains `text`.
[[nodiscard]] std::optional<TrapPlace> place_with(const Change& change, const std::string& text) {
  const auto& traps = change.config.traps;
  const auto all = config::with_file(traps, text);
  return place_of(change.trap, change.config, change.lines, all ? *all : traps);
}

/// `/etc/blowback/blowback.toml:7`, or `/etc/blowback/blowback.toml:7, which names example.com`.
[[nodiscard]] std::string in_words(const TrapPlace& place, const std::string& trap) {
  return place.by == trap ? place.place : fmt::format("{}, which names {}", place.place, place.by);
}

/// Replaces the content of the file by `text`, if the config is valid with it.
int write(const Context& context, const Change& change, const std::string& text, const std::string& done) {
  const auto& file = change.config.traps.file;
  if (const auto traps = config::with_file(change.config.traps, text); !traps) {
    return context.fail(traps.error().text + "; nothing was changed", kNo);
  }
  Replacement replacement(file, kMode);
  if (replacement.file() != nullptr) {
    std::fwrite(text.data(), 1, text.size(), replacement.file());
    if (replacement.commit()) {
      context.print_line(done);
      return kYes;
    }
  }
  return context.fail(
      fmt::format("{}: can't be written: {}; nothing was changed", file, std::generic_category().message(errno)),
      kFailed);
}

}  // namespace

int add_to_trap_file(const Context& context, const std::string& trap) {
  const auto change = read(context, trap);
  if (!change) return change.error();
  auto text = without(*change);
  if (text.size() < change->text.size()) {
    return context.fail(fmt::format("{} is already in {}", change->trap, change->config.traps.file), kNo);
  }
  if (const auto place = place_of(change->trap, change->config, change->lines, change->config.traps);
      place && place->by == change->trap) {
    return context.fail(fmt::format("{} is a trap already, by {}", change->trap, place->place), kNo);
  }
  if (is_trap_domain(change->trap) && change->trap.find('.', 2) == std::string::npos) {
    return context.fail(fmt::format("{} has only one label, so no mail comes to it; write the full domain, like "
                                    "trap.example.net, or an address",
                                    change->trap),
                        kWrongUse);
  }
  return write(context, *change, text + change->trap + "\n",
               fmt::format("{} is a trap now; {}", change->trap, kReload));
}

int remove_from_trap_file(const Context& context, const std::string& trap) {
  const auto change = read(context, trap);
  if (!change) return change.error();
  const auto text = without(*change);
  if (text.size() >= change->text.size()) {
    const auto place = place_with(*change, change->text);
    return context.fail(
        fmt::format("{} isn't in {}; {}", change->trap, change->config.traps.file,
                    place ? fmt::format("it is a trap by {}", in_words(*place, change->trap)) : "see `blowback traps`"),
        kNo);
  }
  const auto place = place_with(*change, text);
  return write(context, *change, text,
               place ? fmt::format("{} is removed from {}, but is still a trap by {}", change->trap,
                                   change->config.traps.file, in_words(*place, change->trap))
                     : fmt::format("{} is no longer a trap; {}", change->trap, kReload));
}

}  // namespace blowback::cli
