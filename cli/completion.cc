// The tree taken down in plain values, then written in each shell's own words.
//
// All three scripts first find out at which command the words so far have arrived (`/db/backup`), passing over options and
// their values, then offer what is there.
#include "completion.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace blowback::cli {
namespace {

struct Option {
  std::vector<std::string> names;  ///< with their hyphens
  std::string does;
  bool takes_value = false;
  bool takes_file = false;
  std::vector<std::string> choices;
};

struct Command {
  std::string path;  ///< `/db/backup`; the tool itself is ""
  std::string name;
  std::string does;
  std::vector<Option> options;
  std::vector<Command> commands;
  bool takes_file = false;
  std::vector<std::string> choices;  ///< of its positional arguments
};

/// From the validator's own words: `TEXT:{bash,zsh}`, or `TEXT:value in {table->0,json->1} OR {0,1}`.
[[nodiscard]] std::vector<std::string> choices_of(const CLI::Option& option) {
  const auto text = option.get_type_name();
  const auto open = text.find('{');
  const auto close = text.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  std::vector<std::string> choices;
  std::string_view rest = std::string_view(text).substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    auto choice = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(choice.size() + 1, rest.size()));
    choices.emplace_back(choice.substr(0, choice.find("->")));
  }
  return choices;
}

[[nodiscard]] Command command_of(const CLI::App& app,
                                 const std::string& path) {  // NOLINT(misc-no-recursion): its own tree
  Command command{.path = path,
                  .name = app.get_name(),
                  .does = app.get_description(),
                  .options = {},
                  .commands = {},
                  .choices = {}};
  for (const CLI::Option* const each : app.get_options()) {
    const auto is_file = [](const std::string& text) { return text == "FILE" || text == "PATH"; };
    if (each->get_positional()) {
      command.takes_file |= is_file(each->get_name(true));
      std::ranges::copy(choices_of(*each), std::back_inserter(command.choices));
      continue;
    }
    Option option{.names = {}, .does = each->get_description(), .choices = {}};
    for (const auto& name : each->get_snames()) option.names.push_back("-" + name);
    for (const auto& name : each->get_lnames()) option.names.push_back("--" + name);
    option.takes_value = each->get_items_expected_max() > 0;
    option.takes_file = is_file(each->get_option_text());
    option.choices = choices_of(*each);
    command.options.push_back(std::move(option));
  }
  for (const CLI::App* const each : app.get_subcommands([](const CLI::App*) { return true; })) {
    command.commands.push_back(command_of(*each, path + "/" + each->get_name()));
  }
  return command;
}

/// The command, then all beneath it.
void flatten(const Command& command, std::vector<const Command*>& into) {  // NOLINT(misc-no-recursion)
  into.push_back(&command);
  for (const auto& each : command.commands) flatten(each, into);
}

/// The tool's own options work behind any command, but for --format, which needs a table to print.
[[nodiscard]] std::vector<const Option*> options_at(const Command& root, const Command& command) {
  std::vector<const Option*> options;
  std::set<std::string> seen;
  for (const auto* const from : {&command, &root}) {
    for (const auto& option : from->options) {
      if (option.names.empty()) continue;
      const bool before_only = from == &root && !command.path.empty() && option.names.back() == "--format";
      if (!before_only && seen.insert(option.names.back()).second) options.push_back(&option);
    }
  }
  return options;
}

/// Between single quotes: bash and zsh have no escape there, fish has a backslash.
[[nodiscard]] std::string in_quotes(std::string_view text, bool fish = false) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += fish ? "\\'" : "'\\''";
    } else if (c == '\\' && fish) {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out + "'";
}

/// All names of options that take a value, as a pattern of `case`.
[[nodiscard]] std::string with_value(const std::vector<const Command*>& commands, std::string_view between) {
  std::set<std::string> names;
  for (const auto* const command : commands) {
    for (const auto& option : command->options) {
      if (option.takes_value) names.insert(option.names.begin(), option.names.end());
    }
  }
  return fmt::format("{}", fmt::join(names, between));
}

/// The lines of a `case` that lead from a command's path and a word to the next path.
[[nodiscard]] std::string steps(const std::vector<const Command*>& commands) {
  std::string lines;
  for (const auto* const command : commands) {
    if (!command->path.empty()) lines += fmt::format("      {0}) at={0} ;;\n", command->path);
  }
  return lines;
}

[[nodiscard]] std::string for_bash(const Command& root, const std::vector<const Command*>& commands) {
  std::string values;
  std::string offers;
  for (const auto* const command : commands) {
    std::vector<std::string> words;
    for (const auto* const option : options_at(root, *command)) {
      words.insert(words.end(), option->names.begin(), option->names.end());
      if (!option->takes_value) continue;
      values += fmt::format(
          "    {}) {} ;;\n",
          fmt::format("{}:{}", command->path, fmt::join(option->names, fmt::format("|{}:", command->path))),
          option->takes_file ? "files=1"
                             : fmt::format("words={}", in_quotes(fmt::format("{}", fmt::join(option->choices, " ")))));
    }
    std::vector<std::string> names = command->choices;
    for (const auto& each : command->commands) names.push_back(each.name);
    offers += fmt::format("    {}) options={} words={}{} ;;\n", command->path.empty() ? "''" : command->path,
                          in_quotes(fmt::format("{}", fmt::join(words, " "))),
                          in_quotes(fmt::format("{}", fmt::join(names, " "))), command->takes_file ? " files=1" : "");
  }
  return fmt::format(
      R"sh(# Completion of bash for {0}, made by `{0} completion bash`.
_{0}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} at= words= options= files= i
  COMPREPLY=()
  # bash takes --option=value for three words.
  if [[ $word == = ]]; then before=${{COMP_WORDS[COMP_CWORD - 1]}} word=; fi
  if [[ $before == = ]]; then before=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {1}) [[ ${{COMP_WORDS[i + 1]}} == = ]] && ((i++)); ((i++)); continue ;;
    esac
    case $at/${{COMP_WORDS[i]}} in
{2}    esac
  done
  case $at:$before in
{3}    *)
      case $at in
{4}      esac
      if [[ $word == -* ]]; then words=$options files=; fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r i; do COMPREPLY+=("$i"); done < <(compgen -f -- "$word")
  fi
}}
complete -F _{0} {0})sh",
      root.name, with_value(commands, "|"), steps(commands), values, offers);
}

/// `name:what it does` for _describe, which takes a colon in a name for the end of it.
[[nodiscard]] std::string described(const std::string& name, const std::string& does) {
  std::string escaped;
  for (const char c : name) escaped += c == ':' ? "\\:" : std::string(1, c);
  return in_quotes(escaped + ":" + does);
}

[[nodiscard]] std::string for_zsh(const Command& root, const std::vector<const Command*>& commands) {
  std::string values;
  std::string offers;
  for (const auto* const command : commands) {
    std::string options;
    for (const auto* const option : options_at(root, *command)) {
      for (const auto& name : option->names) options += " " + described(name, option->does);
      if (!option->takes_value) continue;
      values +=
          fmt::format("    {}) {} ;;\n",
                      fmt::format("{}:{}", command->path, fmt::join(option->names, fmt::format("|{}:", command->path))),
                      option->takes_file ? "_files" : fmt::format("compadd -- {}", fmt::join(option->choices, " ")));
    }
    std::string names;
    for (const auto& choice : command->choices) names += " " + in_quotes(choice);
    for (const auto& each : command->commands) names += " " + described(each.name, each.does);
    offers += fmt::format("        {}) options=({}) names=({}){} ;;\n", command->path.empty() ? "''" : command->path,
                          options, names, command->takes_file ? " files=1" : "");
  }
  return fmt::format(
      R"sh(#compdef {0}
# Completion of zsh for {0}, made by `{0} completion zsh`.
_{0}() {{
  local at= files= i
  local -a options names
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      {1}) ((i++)); continue ;;
    esac
    case $at/$words[i] in
{2}    esac
  done
  case $at:$words[CURRENT-1] in
{3}    *)
      case $at in
{4}      esac
      if [[ $PREFIX == -* ]]; then
        _describe -o option options
      else
        (($#names)) && _describe command names
        [[ -n $files ]] && _files
      fi ;;
  esac
}}
if [[ $funcstack[1] == _{0} ]]; then _{0} "$@"; else compdef _{0} {0}; fi)sh",
      root.name, with_value(commands, "|"), steps(commands), values, offers);
}

[[nodiscard]] std::string for_fish(const Command& root, const std::vector<const Command*>& commands) {
  std::string paths;
  for (const auto* const command : commands) {
    if (!command->path.empty()) paths += " " + command->path;
  }
  auto script = fmt::format(
      R"sh(# Completion of fish for {0}, made by `{0} completion fish`.
function __{0}_at
    set -l words (commandline -opc)
    set -l at ''
    set -l value 0
    for word in $words[2..-1]
        if test $value = 1
            set value 0
        else if contains -- $word {1}
            set value 1
        else if contains -- $at/$word{2}
            set at $at/$word
        end
    end
    echo $at
end
function __{0}_is
    test "$(__{0}_at)" = "$argv[1]"
end
complete -c {0} -f
)sh",
      root.name, with_value(commands, " "), paths);
  for (const auto* const command : commands) {
    const auto here = fmt::format("complete -c {} -n {}", root.name,
                                  in_quotes(fmt::format("__{}_is '{}'", root.name, command->path), true));
    for (const auto& each : command->commands) {
      script += fmt::format("{} -a {} -d {}\n", here, each.name, in_quotes(each.does, true));
    }
    for (const auto& choice : command->choices) script += fmt::format("{} -a {}\n", here, in_quotes(choice, true));
    if (command->takes_file) script += here + " -F\n";
    for (const auto* const option : options_at(root, *command)) {
      script += here;
      for (const auto& name : option->names) {
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (option->takes_value) script += option->takes_file ? " -r -F" : " -x";
      if (!option->choices.empty())
        script += " -a " + in_quotes(fmt::format("{}", fmt::join(option->choices, " ")), true);
      script += fmt::format(" -d {}\n", in_quotes(option->does, true));
    }
  }
  script.pop_back();  // whoever prints it ends the line
  return script;
}

}  // namespace

std::string completion(const CLI::App& app, std::string_view shell) {
  const auto root = command_of(app, "");
  std::vector<const Command*> commands;
  flatten(root, commands);
  if (shell == "bash") return for_bash(root, commands);
  return shell == "zsh" ? for_zsh(root, commands) : for_fish(root, commands);
}

}  // namespace blowback::cli
