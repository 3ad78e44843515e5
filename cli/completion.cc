// All three scripts first determine the command that the words so far name (`/db/backup`), skipping options and their values,
// then offer its arguments.
#include "completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace blowback::cli {
namespace {

/// Adds the command, then all beneath it.
void flatten(const CommandOutline& command, std::vector<const CommandOutline*>& into) {  // NOLINT(misc-no-recursion)
  into.push_back(&command);
  for (const auto& each : command.commands) flatten(each, into);
}

/// The tool's own options may follow any command, except --format, which only commands that print a table have.
[[nodiscard]] std::vector<const OptionOutline*> options_at(const CommandOutline& root, const CommandOutline& command) {
  std::vector<const OptionOutline*> options;
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

/// In single quotes. In them bash and zsh have no escape, and fish has the backslash.
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

/// The names of all options that take a value, as a pattern of `case`.
[[nodiscard]] std::string with_value(const std::vector<const CommandOutline*>& commands, std::string_view between) {
  std::set<std::string> names;
  for (const auto* const command : commands) {
    for (const auto& option : command->options) {
      if (option.takes_value) names.insert(option.names.begin(), option.names.end());
    }
  }
  return fmt::format("{}", fmt::join(names, between));
}

/// The lines of a `case` that maps a command's path and a word to the next path.
[[nodiscard]] std::string steps(const std::vector<const CommandOutline*>& commands) {
  std::string lines;
  for (const auto* const command : commands) {
    if (!command->path.empty()) lines += fmt::format("      {0}) at={0} ;;\n", command->path);
  }
  return lines;
}

[[nodiscard]] std::string for_bash(const CommandOutline& root, const std::vector<const CommandOutline*>& commands) {
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
          option->takes_file
              ? "files=1"
              : fmt::format("words={}", in_quotes(fmt::format("{}", fmt::join(option->known_values, " ")))));
    }
    std::vector<std::string> names = command->known_values;
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

/// `name:summary` for _describe. A colon in the name is escaped, since it would end it.
[[nodiscard]] std::string described(const std::string& name, const std::string& does) {
  std::string escaped;
  for (const char c : name) escaped += c == ':' ? "\\:" : std::string(1, c);
  return in_quotes(escaped + ":" + does);
}

[[nodiscard]] std::string for_zsh(const CommandOutline& root, const std::vector<const CommandOutline*>& commands) {
  std::string values;
  std::string offers;
  for (const auto* const command : commands) {
    std::string options;
    for (const auto* const option : options_at(root, *command)) {
      for (const auto& name : option->names) options += " " + described(name, option->summary);
      if (!option->takes_value) continue;
      values += fmt::format(
          "    {}) {} ;;\n",
          fmt::format("{}:{}", command->path, fmt::join(option->names, fmt::format("|{}:", command->path))),
          option->takes_file ? "_files" : fmt::format("compadd -- {}", fmt::join(option->known_values, " ")));
    }
    std::string names;
    for (const auto& choice : command->known_values) names += " " + in_quotes(choice);
    for (const auto& each : command->commands) names += " " + described(each.name, each.summary);
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

[[nodiscard]] std::string for_fish(const CommandOutline& root, const std::vector<const CommandOutline*>& commands) {
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
      script += fmt::format("{} -a {} -d {}\n", here, each.name, in_quotes(each.summary, true));
    }
    for (const auto& choice : command->known_values) script += fmt::format("{} -a {}\n", here, in_quotes(choice, true));
    if (command->takes_file) script += here + " -F\n";
    for (const auto* const option : options_at(root, *command)) {
      script += here;
      for (const auto& name : option->names) {
        script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (option->takes_value) script += option->takes_file ? " -r -F" : " -x";
      if (!option->known_values.empty())
        script += " -a " + in_quotes(fmt::format("{}", fmt::join(option->known_values, " ")), true);
      script += fmt::format(" -d {}\n", in_quotes(option->summary, true));
    }
  }
  script.pop_back();  // the caller prints the final line feed
  return script;
}

}  // namespace

std::string completion(const CommandOutline& tool, std::string_view shell) {
  std::vector<const CommandOutline*> commands;
  flatten(tool, commands);
  if (shell == "bash") return for_bash(tool, commands);
  return shell == "zsh" ? for_zsh(tool, commands) : for_fish(tool, commands);
}

}  // namespace blowback::cli
