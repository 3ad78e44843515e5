// The tool's command line: the options of every command, and error messages for what can't be parsed.
#pragma once

#include "command.h"

#include <memory>
#include <string>
#include <vector>

namespace blowback::cli {

class Parser {
 public:
  explicit Parser(const World& world);
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser();

  /// The tool itself, to which commands are added before `run`.
  [[nodiscard]] Command tool();

  /// Parses `arguments` (without the program's name) and runs the command that they name. Returns its exit code, kYes after
  /// --help and --version, or kWrongUse after printing to `err` what is wrong. Call once.
  [[nodiscard]] int run(const std::vector<std::string>& arguments);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace blowback::cli
