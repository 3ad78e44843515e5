// `blowback traps add|remove`: the file of traps changed without an editor, whole or not at all. Ingest takes it up at a reload.
#include "command.h"
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

constexpr std::string_view kTakeUp = "ingest takes it up at a reload: `systemctl reload blowback-ingest`";
/// Traps are secrets: strangers on the machine needn't read them.
constexpr mode_t kMode = 0640;

/// The file, and the trap as it is to stand there.
struct Change {
  config::Config config;  ///< with the traps of the config alone
  config::Lines lines;
  std::string trap;
  std::string text;  ///< of the file; "" where there is none yet
};

/// Empty: it was told; return `context.failure`.
[[nodiscard]] std::optional<Change> read(Context& context, const std::string& trap) {
  context.failure = kWrongUse;
  const auto config = context.load_config(config::TrapFile::left_out);
  if (!config) {
    context.complain(config.error().text, kWrongUse);
    return std::nullopt;
  }
  if (config->traps.file.empty()) {
    context.complain(
        "the config names no file of traps; write file = \"/etc/blowback/traps\" into [traps], or change the lists "
        "there",
        kWrongUse);
    return std::nullopt;
  }
  const auto line = config::trap_line(trap);
  if (!line) {
    context.complain(fmt::format("{}: {}", harmless(trap), line.error().text), kWrongUse);
    return std::nullopt;
  }
  auto lines = config::lines_of(config->file);
  if (!lines) {
    context.complain(lines.error().text, kWrongUse);
    return std::nullopt;
  }
  Change change{.config = *config, .lines = *std::move(lines), .trap = *line, .text = {}};
  const auto& file = change.config.traps.file;
  std::ifstream in(file, std::ios::binary);
  if (in) change.text.assign(std::istreambuf_iterator<char>(in), {});
  if (in.bad() || (!in.is_open() && ::access(file.c_str(), F_OK) == 0)) {
    context.failure = context.complain(file + ": can't be read; check its permissions", kFailed);
    return std::nullopt;
  }
  return change;
}

/// Without the lines that name the trap.
[[nodiscard]] std::string without(const Change& change) {
  std::string kept;
  std::istringstream lines(change.text);
  for (std::string line; std::getline(lines, line);) {
    const auto named = config::trap_line(config::trap_in(line));
    if (!named || *named != change.trap) kept += line + "\n";
  }
  return kept;
}

/// What still makes a trap of it, with `text` in the file.
[[nodiscard]] std::optional<TrapPlace> place_with(const Change& change, const std::string& text) {
  const auto& traps = change.config.traps;
  const auto all = config::with_file(traps, text);
  return place_of(change.trap, change.config, change.lines, all ? *all : traps);
}

/// `/etc/blowback/blowback.toml:7`, or `/etc/blowback/blowback.toml:7, which names example.com`.
[[nodiscard]] std::string in_words(const TrapPlace& place, const std::string& trap) {
  return place.by == trap ? place.place : fmt::format("{}, which names {}", place.place, place.by);
}

/// Puts `text` in the file's place, if the config can be read with it.
int write(const Context& context, const Change& change, const std::string& text, const std::string& done) {
  const auto& file = change.config.traps.file;
  if (const auto traps = config::with_file(change.config.traps, text); !traps) {
    return context.complain(traps.error().text + "; nothing was changed", kNo);
  }
  Replacement replacement(file, kMode);
  if (replacement.file() != nullptr) {
    std::fwrite(text.data(), 1, text.size(), replacement.file());
    if (replacement.commit()) {
      context.say(done);
      return kYes;
    }
  }
  return context.complain(
      fmt::format("{}: can't be written: {}; nothing was changed", file, std::generic_category().message(errno)),
      kFailed);
}

}  // namespace

int traps_add(Context& context, const std::string& trap) {
  const auto change = read(context, trap);
  if (!change) return context.failure;
  auto text = without(*change);
  if (text.size() < change->text.size()) {
    return context.complain(fmt::format("{} stands in {} already", change->trap, change->config.traps.file), kNo);
  }
  if (const auto place = place_of(change->trap, change->config, change->lines, change->config.traps);
      place && place->by == change->trap) {
    return context.complain(fmt::format("{} is a trap already, by {}", change->trap, place->place), kNo);
  }
  if (is_trap_domain(change->trap) && change->trap.find('.', 2) == std::string::npos) {
    return context.complain(
        fmt::format(
            "{} has one label, so it is no domain that mail comes to; write all of it, like trap.example.net, or "
            "an address",
            change->trap),
        kWrongUse);
  }
  return write(context, *change, text + change->trap + "\n",
               fmt::format("{} is a trap now; {}", change->trap, kTakeUp));
}

int traps_remove(Context& context, const std::string& trap) {
  const auto change = read(context, trap);
  if (!change) return context.failure;
  const auto text = without(*change);
  if (text.size() >= change->text.size()) {
    const auto place = place_with(*change, change->text);
    return context.complain(
        fmt::format("{} doesn't stand in {}; {}", change->trap, change->config.traps.file,
                    place ? fmt::format("it is a trap by {}", in_words(*place, change->trap)) : "see `blowback traps`"),
        kNo);
  }
  const auto place = place_with(*change, text);
  return write(context, *change, text,
               place ? fmt::format("{} is taken out of {}, but is still a trap by {}", change->trap,
                                   change->config.traps.file, in_words(*place, change->trap))
                     : fmt::format("{} is no trap any more; {}", change->trap, kTakeUp));
}

}  // namespace blowback::cli
