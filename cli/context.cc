#include "context.h"

#include "progress.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <utility>

namespace blowback::cli {

std::expected<config::Config, config::ConfigError> Context::load_config(config::TrapFile trap_file) const {
  auto loaded = config::load(config::config_path(config_file, world.variable("BLOWBACK_CONFIG")), trap_file);
  if (loaded && !database.empty()) loaded->database = database;
  return loaded;
}

OrExit<config::Config> Context::config() const {
  auto loaded = load_config();
  if (!loaded) return std::unexpected(fail(loaded.error().text, kWrongUse));
  return *std::move(loaded);
}

OrExit<Context::Opened> Context::open(schema::Store::Mode mode) const {
  auto loaded = config();
  if (!loaded) return std::unexpected(loaded.error());
  auto opened = schema::Store::open(loaded->database, mode);
  if (!opened) return std::unexpected(fail(opened.error()));
  return Opened{.config = *std::move(loaded), .store = *std::move(opened)};
}

schema::Slicing Context::progress(const std::string& what) const {
  if (!world.shows_progress) return {};
  return {.between = [progress = std::make_shared<Progress>(*this, what)](std::uint64_t done, std::uint64_t of) {
    progress->show(done, of, "steps");
    return true;
  }};
}

void Context::warn(const std::string& text) const {
  // If `err` can't be written either, the exit code still reports the failure.
  std::fputs(fmt::format("blowback: {}\n", text).c_str(), world.err);
}

int Context::fail(const std::string& text, int code) const {
  warn(text);
  return code;
}

int Context::fail(const schema::StoreError& error) const {
  using enum schema::StoreError::Code;
  // The store's own advice is about the config, which doesn't name this file.
  if (error.code == missing && !database.empty() && error.text.starts_with(database)) {
    return fail(fmt::format("--database {}: there is no database; check the name", database), kFailed);
  }
  return fail(error.text, error.code == too_wide ? kWrongUse : kFailed);
}

void Context::print_line(const std::string& text) const { fmt::print(world.out, "{}\n", text); }

}  // namespace blowback::cli
