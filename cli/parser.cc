#include "parser.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace blowback::cli {

struct Parser::State {
  explicit State(const World& world) : context{.world = world, .config_file = {}, .database = {}} {}

  CLI::App app{"The operator's tool of Blowback: list, delist, exempt, explain.", "blowback"};
  Parsing parsing;
  Context context;
  std::string early_format;  ///< a --format that stands before the command
  bool plain = false;        ///< --no-color

  /// The innermost command that was named.
  [[nodiscard]] CLI::App& named() {
    CLI::App* at = &app;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
    return *at;
  }

  /// That command as it was called: `blowback db check`.
  [[nodiscard]] std::string path() const {
    std::string path = app.get_name();
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().back();
      path += ' ';
      path += at->get_name();
    }
    return path;
  }

  [[nodiscard]] int wrong_use(std::string_view text) const {
    return context.fail(fmt::format("{}; see `{} --help`", text, path()), kWrongUse);
  }

  /// A --format before the command is passed on to the command, since the known formats differ. One that stands after the
  /// command takes precedence.
  [[nodiscard]] int apply_early_format() {
    if (early_format.empty()) return kYes;
    CLI::Option* const own = named().get_option_no_throw("--format");
    if (own == nullptr) return context.fail(fmt::format("--format: `{}` prints no table", path()), kWrongUse);
    if (own->count() > 0) return kYes;
    try {
      own->add_result(early_format);
      own->run_callback();
    } catch (const CLI::ParseError& error) {
      return wrong_use(error.what());
    }
    return kYes;
  }

  /// CLI11 reports a mistyped command as a missing command or a superfluous argument, and a mistyped option as whatever
  /// follows from that. So the mistyped word is looked for first.
  [[nodiscard]] std::string text_of(const CLI::ParseError& error) {
    const auto rest = app.remaining(true);
    const CLI::App& at = named();
    std::vector<std::string> commands;
    for (const auto* const command : at.get_subcommands({})) commands.push_back(command->get_name());
    if (!commands.empty() && !rest.empty() && !rest.front().starts_with('-')) {
      return fmt::format("there is no command {}{}", in_backquotes(rest.front()), did_you_mean(rest.front(), commands));
    }
    const auto option =
        std::ranges::find_if(rest, [](const auto& word) { return word.size() > 1 && word.starts_with('-'); });
    if (option != rest.end()) {
      const auto word = option->substr(0, option->find('='));
      return fmt::format("there is no option {}{}", in_backquotes(word), did_you_mean(word, options_at(at)));
    }
    const std::string text = error.what();
    const auto is = [&](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
    if (is(CLI::ExitCodes::ExtrasError) && !rest.empty()) {
      return fmt::format("{} is one argument too many", in_backquotes(rest.front()));
    }
    if (is(CLI::ExitCodes::ArgumentMismatch)) {
      return fmt::format("{} needs a value", text.substr(0, text.find(':')));
    }
    if (!is(CLI::ExitCodes::RequiredError) || commands.empty()) return text;
    if (&at == &app) return "name a command, such as check, why or stats";
    return fmt::format("`{}` needs a command: {}", path(), enumerated(commands, "or"));
  }

  [[nodiscard]] std::vector<std::string> options_at(const CLI::App& command) const {
    std::vector<std::string> options;
    for (const auto* const from : {&command, &app}) {
      for (const auto* const known : from->get_options()) {
        for (const auto& name : known->get_lnames()) options.push_back("--" + name);
      }
    }
    return options;
  }
};

Parser::Parser(const World& world) : state_(std::make_unique<State>(world)) {
  auto& app = state_->app;
  app.footer(
      "Examples:\n"
      "  blowback why 192.0.2.1                                   what was seen, and when the listing ends\n"
      "  blowback list 198.51.100.0/24 --reason 'ticket 12' --for 14d\n"
      "  blowback delist 192.0.2.1 --reason 'postmaster fixed it'\n"
      "  blowback import bad.txt --reason 'partner list'\n"
      "  blowback classify --explain Maildir/cur                  the judge's verdict and reasons, recording nothing\n"
      "Exit codes: 0 yes, 1 no (not listed, unknown), 2 wrong use, 3 the system failed, 141 the reader of the output "
      "has gone.\n");
  app.add_option("--config", state_->context.config_file, "Config file (BLOWBACK_CONFIG, /etc/blowback/blowback.toml)")
      ->option_text("FILE");
  app.add_option("--database", state_->context.database, "Database, instead of the config's: a backup, for example")
      ->option_text("FILE");
  app.add_option("--format", state_->early_format, "How the command prints: table, json or csv")->option_text("FORMAT");
  app.add_flag("--no-color", state_->plain, "No colour or bold, as with NO_COLOR in the environment");
  app.set_version_flag("--version", BLOWBACK_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // commands inherit it: options of the tool may also stand after the command
}

Parser::~Parser() = default;

Command Parser::tool() { return {state_->app, state_->parsing}; }

int Parser::run(const std::vector<std::string>& arguments) {
  auto& context = state_->context;
  const World& world = context.world;
  try {
    // CLI11 wants them in reverse order.
    state_->app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    fmt::print(world.out, "{}", state_->app.help());
    return kYes;
  } catch (const CLI::CallForVersion&) {
    fmt::print(world.out, "{}\n", BLOWBACK_VERSION);
    return kYes;
  } catch (const CLI::ParseError& error) {
    return state_->wrong_use(state_->text_of(error));
  }
  if (const int code = state_->apply_early_format(); code != kYes) return code;
  context.format = state_->parsing.format;
  context.bold = world.terminal && !state_->plain;
  return state_->parsing.chosen ? state_->parsing.chosen(context) : static_cast<int>(kWrongUse);
}

}  // namespace blowback::cli
