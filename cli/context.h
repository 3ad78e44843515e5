// What every command works with: the config, the database, the world outside, and how to print results and errors.
#pragma once

#include "cli/tool.h"
#include "config/config.h"
#include "output.h"
#include "schema/store.h"

#include <expected>
#include <string>

namespace blowback::cli {

/// A value, or the exit code of the command, after the error has been printed to `World::err`.
template <typename T>
using OrExit = std::expected<T, int>;

struct Context {
  const World& world;
  std::string config_file;  ///< of --config; "": the default path
  std::string database;     ///< of --database; "": the one that the config names
  Format format = Format::table;
  bool bold = false;

  /// Reads the config, with `database` in force. Prints nothing.
  [[nodiscard]] std::expected<config::Config, config::ConfigError> load_config(
      config::TrapFile trap_file = config::TrapFile::read) const;
  /// Reads the config, with `database` in force.
  [[nodiscard]] OrExit<config::Config> config() const;

  struct Opened {
    config::Config config;
    schema::Store store;
  };
  /// Reads the config and opens the database.
  [[nodiscard]] OrExit<Opened> open(schema::Store::Mode mode) const;

  /// Lets the store show the progress of long work, called `what`, on `err` if that is a terminal.
  void show_progress(schema::Store& store, const std::string& what) const { store.work_in(progress(what)); }
  [[nodiscard]] schema::Slicing progress(const std::string& what) const;

  /// Prints `blowback: text` to `err`.
  void warn(const std::string& text) const;
  /// Prints `blowback: text` to `err`, and returns `code`.
  int fail(const std::string& text, int code) const;
  /// Prints the error of a store's function to `err`, and returns the exit code for it.
  int fail(const schema::StoreError& error) const;

  /// Prints a table to `out` in the format that was asked for.
  void print(const Table& table) const { table.print(world.out, look()); }
  [[nodiscard]] Look look() const { return {.format = format, .now = world.now, .bold = bold, .width = world.columns}; }
  /// Prints `text` and a line feed to `out`.
  void print_line(const std::string& text) const;
};

}  // namespace blowback::cli
