#include "command.h"

#include "blowback/nearest.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace blowback::cli {
namespace {

/// Empty if `text` is an integer from 0 to `most`, else why not.
[[nodiscard]] std::string why_no_number(const std::string& text, std::uint64_t most, bool any) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number <= most) return {};
  if (any) return fmt::format("{} is not a whole number", in_backquotes(text));
  return fmt::format("{} is not a whole number from 0 to {}", in_backquotes(text), most);
}

/// Replaces a value by its index in `names`.
[[nodiscard]] CLI::Validator index_in(std::vector<std::string> names) {
  return {[names = std::move(names)](std::string& text) {
            text = std::to_string(std::ranges::find(names, text) - names.begin());
            return std::string();
          },
          ""};
}

[[nodiscard]] CLI::Validator one_of(const std::string& what, const std::vector<std::string>& names) {
  return {[what, names](const std::string& text) {
            if (std::ranges::find(names, text) != names.end()) return std::string();
            return fmt::format("unknown {} {}; known are {}{}", what, in_backquotes(text), enumerated(names),
                               did_you_mean(text, names));
          },
          fmt::format("{{{}}}", fmt::join(names, ","))};
}

[[nodiscard]] std::string footer_of(const Description& description) {
  const auto notes = description.notes.empty() ? std::string() : description.notes + "\n";
  return fmt::format("{}Examples:\n{}", notes, description.examples);
}

[[nodiscard]] bool is_file(const std::string& text) { return text == "FILE" || text == "PATH"; }

// NOLINTNEXTLINE(misc-no-recursion): as deep as the tree of commands
[[nodiscard]] CommandOutline outline_of(const CLI::App& app, const std::string& path, const Parsing& parsing) {
  CommandOutline outline{.path = path,
                         .name = app.get_name(),
                         .summary = app.get_description(),
                         .options = {},
                         .commands = {},
                         .known_values = {}};
  for (const CLI::Option* const each : app.get_options()) {
    const auto found = parsing.known_values.find(each);
    const auto known_values = found == parsing.known_values.end() ? std::vector<std::string>() : found->second;
    if (each->get_positional()) {
      outline.takes_file |= is_file(each->get_name(true));
      outline.known_values.insert(outline.known_values.end(), known_values.begin(), known_values.end());
      continue;
    }
    OptionOutline option{.names = {}, .summary = each->get_description(), .known_values = known_values};
    for (const auto& name : each->get_snames()) option.names.push_back("-" + name);
    for (const auto& name : each->get_lnames()) option.names.push_back("--" + name);
    option.takes_value = each->get_items_expected_max() > 0;
    option.takes_file = is_file(each->get_option_text());
    outline.options.push_back(std::move(option));
  }
  for (const CLI::App* const each : app.get_subcommands([](const CLI::App*) { return true; })) {
    outline.commands.push_back(outline_of(*each, path + "/" + each->get_name(), parsing));
  }
  return outline;
}

}  // namespace

Option& Option::required() {
  option_.required();
  return *this;
}

Option& Option::shown_as(const std::string& text) {
  option_.option_text(text);
  return *this;
}

Option& Option::shows_default() {
  option_.capture_default_str();
  return *this;
}

Option& Option::one_value_each() {
  option_.allow_extra_args(false);
  return *this;
}

Option& Option::two_values() {
  option_.expected(2);
  return *this;
}

Option& Option::one_of(const std::string& what, const std::vector<std::string>& names) {
  option_.check(cli::one_of(what, names));
  parsing_.known_values[&option_] = names;
  return *this;
}

Option& Option::whole_number(std::uint64_t most) {
  option_.check(
      CLI::Validator([most](const std::string& text) { return why_no_number(text, most, most == kAny); }, ""));
  return *this;
}

Option& Option::entry_id() {
  // The database keeps ids as signed 64-bit integers.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  option_.check(CLI::Validator(
      [](const std::string& text) {
        if (why_no_number(text, kMost, /*any=*/false).empty()) return std::string();
        return fmt::format("{} is not the id of an entry in `blowback log`", in_backquotes(text));
      },
      ""));
  return *this;
}

Command Command::add(const Description& description, Run run) {
  CLI::App* const sub = app_->add_subcommand(description.name, description.summary);
  sub->footer(footer_of(description));
  // CLI11 calls back while it still parses, so nothing runs yet. A command with commands of its own (traps) is called back
  // after the one that was named.
  sub->callback([sub, parsing = parsing_, run = std::move(run)] {
    if (sub->get_subcommands().empty()) parsing->chosen = run;
  });
  return {*sub, *parsing_};
}

Command Command::add_group(const Description& description) {
  CLI::App* const sub = app_->add_subcommand(description.name, description.summary);
  sub->footer(footer_of(description));
  sub->require_subcommand(1);
  return {*sub, *parsing_};
}

Option Command::option(const std::string& name, std::string& into, const std::string& help) {
  return {*app_->add_option(name, into, help), *parsing_};
}

Option Command::option(const std::string& name, std::vector<std::string>& into, const std::string& help) {
  return {*app_->add_option(name, into, help), *parsing_};
}

Option Command::option(const std::string& name, int& into, const std::string& help) {
  return {*app_->add_option(name, into, help), *parsing_};
}

Option Command::option(const std::string& name, std::size_t& into, const std::string& help) {
  return {*app_->add_option(name, into, help), *parsing_};
}

Option Command::option(const std::string& name, std::optional<std::size_t>& into, const std::string& help) {
  return {*app_->add_option(name, into, help), *parsing_};
}

void Command::flag(const std::string& name, bool& into, const std::string& help) { app_->add_flag(name, into, help); }

void Command::format() {
  static const std::vector<std::string> kNames{"table", "json", "csv"};  // in the order of Format
  // CLI11 applies the transform that was added last first.
  CLI::Option* const option = app_->add_option("--format", parsing_->format, "table, json or csv")
                                  ->transform(index_in(kNames))
                                  ->transform(one_of("format", kNames))
                                  ->option_text("FORMAT");
  parsing_->known_values[option] = kNames;
}

CommandOutline Command::outline() const { return outline_of(*app_, "", *parsing_); }

std::string in_backquotes(std::string_view text) { return fmt::format("`{}`", harmless(text)); }

std::string enumerated(const std::vector<std::string>& names, std::string_view before_last) {
  if (names.size() < 2) return fmt::format("{}", fmt::join(names, ""));
  return fmt::format("{} {} {}", fmt::join(names.begin(), names.end() - 1, ", "), before_last, names.back());
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? fmt::format("; did you mean `{}`?", *near) : std::string();
}

}  // namespace blowback::cli
