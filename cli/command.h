// How a command declares itself: its name, help, options and examples, and the function that runs it.
//
// Each command has a file of its own in commands/, NAME.cc, which defines `void add_NAME(Command& tool)`; the list of names in
// CMakeLists.txt does the rest. The parser behind this is CLI11, which only command.cc and parser.cc see.
#pragma once

#include "context.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace blowback::cli {

/// Returns one of Exit.
using Run = std::function<int(const Context&)>;

/// What the parser keeps beside CLI11's own tree of commands.
struct Parsing {
  Run chosen;                                                           ///< runs the command that was named
  Format format = Format::table;                                        ///< of that command's --format
  std::map<const CLI::Option*, std::vector<std::string>> known_values;  ///< of options that take one of a few words
};

/// One option or positional argument. Each function returns the option itself, so that calls can be chained.
class Option {
 public:
  Option(CLI::Option& option, Parsing& parsing) : option_(option), parsing_(parsing) {}
  Option& required();
  /// In the help, `text` stands for the value in place of its type: `FILE`, `BITS=24`.
  Option& shown_as(const std::string& text);
  /// The help shows the value that the variable has now.
  Option& shows_default();
  /// For an option that may be repeated: it takes one value at a time, so that a positional argument may follow.
  Option& one_value_each();
  /// For an option that may be repeated: it takes exactly two values.
  Option& two_values();
  /// Takes one of `names` only. `what`: what a value is called in the error message: `source`.
  Option& one_of(const std::string& what, const std::vector<std::string>& names);
  /// Takes an integer from 0 to `most` only.
  Option& whole_number(std::uint64_t most = kAny);
  /// Takes the id of an entry of the log only.
  Option& entry_id();

 private:
  static constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();
  CLI::Option& option_;
  Parsing& parsing_;
};

struct Description {
  std::string name;
  std::string summary;   ///< one line: in the list of commands, and at the top of the command's own help
  std::string notes;     ///< below the options in the help; "": none
  std::string examples;  ///< lines, each ended by a line feed
};

/// An option of a command, in plain values, for completion.
struct OptionOutline {
  std::vector<std::string> names;  ///< with their hyphens
  std::string summary;
  bool takes_value = false;
  bool takes_file = false;
  std::vector<std::string> known_values;
};

/// A command with all its options and commands, in plain values, for completion.
struct CommandOutline {
  std::string path;  ///< `/db/backup`; the tool itself is ""
  std::string name;
  std::string summary;
  std::vector<OptionOutline> options;
  std::vector<CommandOutline> commands;
  bool takes_file = false;                ///< a positional argument is a file
  std::vector<std::string> known_values;  ///< of its positional arguments
};

/// A command in the parser's tree, or the tool itself. Cheap to copy; the parser must outlive it. Variables that options write
/// to must live until the command has run.
class Command {
 public:
  Command(CLI::App& app, Parsing& parsing) : app_(&app), parsing_(&parsing) {}

  /// Adds a command beneath this one.
  Command add(const Description& description, Run run);
  /// Adds a command beneath this one that only groups others: one of them must be named.
  Command add_group(const Description& description);

  /// `name`: `--since` for an option, `CIDR` for a positional argument.
  Option option(const std::string& name, std::string& into, const std::string& help);
  Option option(const std::string& name, std::vector<std::string>& into, const std::string& help);
  Option option(const std::string& name, int& into, const std::string& help);
  Option option(const std::string& name, std::size_t& into, const std::string& help);
  Option option(const std::string& name, std::optional<std::size_t>& into, const std::string& help);
  void flag(const std::string& name, bool& into, const std::string& help);
  /// `--format`, for commands that print a table: Context::format.
  void format();

  [[nodiscard]] CommandOutline outline() const;

 private:
  CLI::App* app_;
  Parsing* parsing_;
};

/// `text` by a stranger, in backquotes.
[[nodiscard]] std::string in_backquotes(std::string_view text);
/// `a, b and c`.
[[nodiscard]] std::string enumerated(const std::vector<std::string>& names, std::string_view before_last = "and");
/// `; did you mean `list`?` if one of `known` is close to `word`, else nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

}  // namespace blowback::cli
