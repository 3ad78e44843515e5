// The tool's arguments: every command, its options, its examples.
#include "cli/tool.h"

#include "blowback/nearest.h"
#include "command.h"
#include "completion.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>

namespace blowback::cli {
namespace {

struct Example {
  std::string_view path;   ///< the command, such as `db check`
  std::string_view lines;  ///< each ended by a line feed
};
constexpr auto kExamples = std::to_array<Example>({
    {"check",
     "  blowback check 192.0.2.1 2001:db8::25\n"
     "  blowback check 192.0.2.1 >/dev/null && echo listed\n"
     "  blowback check --file clients.txt --format csv\n"},
    {"why",
     "  blowback why 192.0.2.1\n"
     "  blowback why 192.0.2.1 --format json\n"},
    {"evidence", "  blowback evidence 192.0.2.1 --most 10 --explain\n"},
    {"listings",
     "  blowback listings 198.51.100.0/24\n"
     "  blowback listings --source operator --since 7d\n"
     "  blowback listings --format csv >listings.csv\n"},
    {"exemptions", "  blowback exemptions\n"},
    {"log",
     "  blowback log --most 20\n"
     "  blowback log --who olga --action import --since 7d\n"},
    {"history", "  blowback history 192.0.2.1\n"},
    {"quarantine",
     "  blowback quarantine --most 5\n"
     "  blowback quarantine --show ID | less\n"},
    {"stats",
     "  blowback stats\n"
     "  blowback stats --format json\n"},
    {"classify",
     "  blowback classify message.eml\n"
     "  blowback classify --explain --trusted-relay 192.0.2.25 Maildir/cur\n"},
    {"list",
     "  blowback list 198.51.100.0/24 --reason 'ticket 12' --for 14d\n"
     "  blowback list 2001:db8::/29 --wide --reason 'the whole provider, ticket 13' --for 2d\n"},
    {"delist",
     "  blowback delist 192.0.2.1 --reason 'postmaster fixed it'\n"
     "  blowback delist --file mended.txt --reason 'ticket 14' --dry-run\n"},
    {"exempt",
     "  blowback exempt 203.0.113.0/28 --reason 'our own relays'\n"
     "  blowback exempt 203.0.113.0/28 --end --reason 'moved away'\n"},
    {"import",
     "  blowback import bad.txt --reason 'partner list' --for 30d\n"
     "  blowback import drop.txt --reason 'Spamhaus DROP' --for 2d --dry-run\n"
     "  grep -v ^: list.txt | blowback import - --reason 'partner list'\n"},
    {"config", "  blowback config check && systemctl reload blowback-server blowback-ingest\n"},
    {"config check",
     "  blowback config check\n"
     "  blowback config check --daemon ingest\n"
     "  blowback --config new.toml config check\n"},
    {"config show", "  blowback config show\n"},
    {"db", "  blowback db check\n"},
    {"db migrate", "  blowback db migrate\n"},
    {"db check", "  blowback db check && echo whole\n"},
    {"db backup", "  blowback db backup /var/backups/blowback-$(date +%F).db\n"},
    {"db compact", "  blowback db compact\n"},
    {"db restore", "  blowback db restore /var/backups/blowback-2026-11-25.db\n"},
    {"export",
     "  blowback export --format zone --to /etc/bind/bl.example.org.zone\n"
     "  blowback export --format rbldnsd --to /var/lib/rbldns/blowback\n"
     "  blowback export --format postfix --to /etc/postfix/backscatter.cidr\n"
     "  blowback export --format nft | nft -f -\n"},
    {"doctor",
     "  blowback doctor\n"
     "  blowback doctor --resolver 192.0.2.53 --format json\n"},
    {"conform",
     "  blowback conform bl.example.org\n"
     "  blowback conform bl.example.org --server 127.0.0.1:5300 --listed 192.0.2.1\n"},
    {"completion",
     "  blowback completion bash >/usr/share/bash-completion/completions/blowback\n"
     "  blowback completion zsh >/usr/share/zsh/vendor-completions/_blowback\n"
     "  blowback completion fish >/usr/share/fish/vendor_completions.d/blowback.fish\n"},
    {"policy", "  blowback policy simulate stricter.toml\n"},
    {"policy simulate",
     "  printf '[policy]\\nlist_at = 4.0\\ndistinct_traps = 3\\n' > stricter.toml\n"
     "  blowback policy simulate stricter.toml\n"
     "  blowback policy simulate stricter.toml --changed --format csv > difference.csv\n"},
    {"top",
     "  blowback top --ipv4-prefix 16 --since 30d        which providers\n"
     "  blowback top --by campaign --since 24h           is a joe-job under way?\n"},
    {"undo",
     "  blowback log --most 5\n"
     "  blowback undo 12 --reason 'wrong file'\n"},
    {"traps",
     "  blowback traps\n"
     "  blowback traps --silent-for 90d\n"},
    {"traps add",
     "  blowback traps add old.user@example.com && systemctl reload blowback-ingest\n"
     "  blowback traps add '*.trap.example.net'\n"},
    {"traps remove", "  blowback traps remove old.user@example.com\n"},
    {"traps retire", "  blowback traps retire old.user@example.com --reason 'the address is in use again'\n"},
    {"traps restore", "  blowback traps restore old.user@example.com --reason 'it is free again'\n"},
});

[[nodiscard]] std::string in_quotes(std::string_view text) { return fmt::format("`{}`", harmless(text)); }

/// `a, b and c`.
[[nodiscard]] std::string enumerated(const std::vector<std::string>& names, std::string_view before_last = "and") {
  if (names.size() < 2) return fmt::format("{}", fmt::join(names, ""));
  return fmt::format("{} {} {}", fmt::join(names.begin(), names.end() - 1, ", "), before_last, names.back());
}

/// `; did you mean `list`?`, or nothing.
[[nodiscard]] std::string meant(std::string_view word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? fmt::format("; did you mean `{}`?", *near) : std::string();
}

/// A value that is one of `names`. `what` it is called where it isn't: `format`.
[[nodiscard]] CLI::Validator one_of(std::string what, std::vector<std::string> names) {
  // Completion reads the names from the description.
  auto description = fmt::format("{{{}}}", fmt::join(names, ","));
  return {[what = std::move(what), names = std::move(names)](const std::string& text) {
            if (std::ranges::find(names, text) != names.end()) return std::string();
            return fmt::format("no {} {}; there are {}{}", what, in_quotes(text), enumerated(names),
                               meant(text, names));
          },
          std::move(description)};
}

/// The place of a value within `names` in its stead.
[[nodiscard]] CLI::Validator place_in(std::vector<std::string> names) {
  return {[names = std::move(names)](std::string& text) {
            text = std::to_string(std::ranges::find(names, text) - names.begin());
            return std::string();
          },
          ""};
}

constexpr std::uint64_t kAny = std::numeric_limits<std::uint64_t>::max();

/// A value that is a whole number of at most `most`.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t most = kAny) {
  return {[most](const std::string& text) {
            std::uint64_t number = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (error == std::errc{} && end == text.data() + text.size() && number <= most) return std::string();
            if (most == kAny) return fmt::format("{} is no whole number", in_quotes(text));
            return fmt::format("{} is no whole number from 0 to {}", in_quotes(text), most);
          },
          ""};
}

/// A value that may be the id of an entry of the log.
[[nodiscard]] CLI::Validator entry_id() {
  // The database has its ids in 64 bits with a sign.
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return {[is_number = whole_number(kMost)](std::string& text) {
            if (is_number(text).empty()) return std::string();
            return fmt::format("{} is no entry's id, as `blowback log` has them", in_quotes(text));
          },
          ""};
}

/// The parser with the commands hung into it. CLI11 calls back while it parses; what it calls is only noted here, and run
/// after all arguments are known to be right.
class Parser {
 public:
  explicit Parser(const World& world) : context_{.world = world, .config_file = {}, .database = {}} {
    app_.footer(
        "Examples:\n"
        "  blowback why 192.0.2.1                                   what was seen, and when the listing ends\n"
        "  blowback list 198.51.100.0/24 --reason 'ticket 12' --for 14d\n"
        "  blowback delist 192.0.2.1 --reason 'postmaster fixed it'\n"
        "  blowback import bad.txt --reason 'partner list'\n"
        "  blowback classify --explain Maildir/cur                  what the judge says and why, recording nothing\n"
        "Exit codes: 0 yes, 1 no (not listed, unknown), 2 wrong use, 3 the system failed, 141 the output's reader has "
        "gone.\n");
    app_.add_option("--config", context_.config_file, "Config file (BLOWBACK_CONFIG, /etc/blowback/blowback.toml)")
        ->option_text("FILE");
    app_.add_option("--database", context_.database, "Database, instead of the config's: a backup, for example")
        ->option_text("FILE");
    app_.add_option("--format", early_format_, "Of whatever the command prints: table, json or csv")
        ->option_text("FORMAT");
    app_.add_flag("--no-color", plain_, "No colour or bold, as with NO_COLOR in the environment");
    app_.set_version_flag("--version", BLOWBACK_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    questions();
    history();
    decisions();
    second_thoughts();
    about_the_config();
    upkeep();
    outward();
    examples();
  }

  int run(const std::vector<std::string>& arguments) {
    const World& world = context_.world;
    try {
      // CLI11 takes them last first.
      app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
      fmt::print(world.out, "{}", app_.help());
      return kYes;
    } catch (const CLI::CallForVersion&) {
      fmt::print(world.out, "{}\n", BLOWBACK_VERSION);
      return kYes;
    } catch (const CLI::ParseError& error) {
      return context_.complain(fmt::format("{}; see `{} --help`", in_words(error), path()), kWrongUse);
    }
    if (const int code = take_early_format(); code != kYes) return code;
    context_.format = format_;
    context_.bold = world.terminal && !plain_;
    return chosen_ ? chosen_() : static_cast<int>(kWrongUse);
  }

 private:
  /// A command: what it does, and what runs it.
  CLI::App* command(CLI::App& parent, const std::string& name, const std::string& does, std::function<int()> run) {
    CLI::App* const sub = parent.add_subcommand(name, does);
    sub->fallthrough();
    // A command with commands of its own (traps) is called after the one that was meant.
    sub->callback([this, sub, run = std::move(run)] {
      if (sub->get_subcommands().empty()) chosen_ = run;
    });
    return sub;
  }

  /// For commands that print a table.
  void formats(CLI::App* sub) {
    static const std::vector<std::string> kNames{"table", "json", "csv"};  // as in Format
    // The last one that is added is asked first.
    sub->add_option("--format", format_, "table, json or csv")
        ->transform(place_in(kNames))
        ->transform(one_of("format", kNames))
        ->option_text("FORMAT");
  }

  /// `--format` before the command is an option of the command: which formats there are differs. What stands behind the command
  /// goes first.
  int take_early_format() {
    if (early_format_.empty()) return kYes;
    CLI::Option* const own = deepest()->get_option_no_throw("--format");
    if (own == nullptr) {
      return context_.complain(fmt::format("--format: `{}` prints no table", path()), kWrongUse);
    }
    if (own->count() > 0) return kYes;
    try {
      own->add_result(early_format_);
      own->run_callback();
    } catch (const CLI::ParseError& error) {
      return context_.complain(fmt::format("{}; see `{} --help`", error.what(), path()), kWrongUse);
    }
    return kYes;
  }

  [[nodiscard]] CLI::App* deepest() {
    CLI::App* at = &app_;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
    return at;
  }

  /// The command that was meant, as it is called.
  [[nodiscard]] std::string path() const {
    std::string path = app_.get_name();
    for (const CLI::App* at = &app_; !at->get_subcommands().empty();) {
      at = at->get_subcommands().back();
      path += ' ';
      path += at->get_name();
    }
    return path;
  }

  [[nodiscard]] std::string in_words(const CLI::ParseError& error) {
    const auto rest = app_.remaining(true);
    const CLI::App& at = *deepest();
    // CLI11 says of a mistyped command that a command is missing or an argument too many, and of a mistyped option whatever that
    // leads to.
    std::vector<std::string> commands;
    for (const auto* const command : at.get_subcommands({})) commands.push_back(command->get_name());
    if (!commands.empty() && !rest.empty() && !rest.front().starts_with('-')) {
      return fmt::format("there is no command {}{}", in_quotes(rest.front()), meant(rest.front(), commands));
    }
    const auto option =
        std::ranges::find_if(rest, [](const auto& word) { return word.size() > 1 && word.starts_with('-'); });
    if (option != rest.end()) {
      const auto word = option->substr(0, option->find('='));
      std::vector<std::string> options;
      for (const auto* const app : {&at, static_cast<const CLI::App*>(&app_)}) {
        for (const auto* const known : app->get_options()) {
          for (const auto& name : known->get_lnames()) options.push_back("--" + name);
        }
      }
      return fmt::format("there is no option {}{}", in_quotes(word), meant(word, options));
    }
    const std::string text = error.what();
    const auto is = [&](CLI::ExitCodes code) { return error.get_exit_code() == static_cast<int>(code); };
    if (is(CLI::ExitCodes::ExtrasError) && !rest.empty()) {
      return fmt::format("{} is an argument too many", in_quotes(rest.front()));
    }
    if (is(CLI::ExitCodes::ArgumentMismatch)) {
      return fmt::format("{} needs a value", text.substr(0, text.find(':')));
    }
    if (!is(CLI::ExitCodes::RequiredError) || commands.empty()) return text;
    if (&at == &app_) return "name a command, such as check, why or stats";
    return fmt::format("`{}` needs a command: {}", path(), enumerated(commands, "or"));
  }

  void questions() {
    auto* const check_command =
        command(app_, "check", "Is it listed? Exits 1 where one isn't", [this] { return check(context_, several_); });
    several(check_command, several_, "IP", "Addresses; - for standard input");
    formats(check_command);
    auto* const why_command = command(app_, "why", "What was seen of a sender, the sum, when it ends, what to mend",
                                      [this] { return why(context_, several_); });
    several(why_command, several_, "IP", "Addresses; - for standard input");
    formats(why_command);
    auto* const evidence_command = command(app_, "evidence", "Its incidents one by one, for the operator alone",
                                           [this] { return evidence(context_, one_, most_, explains_); });
    evidence_command->add_option("IP", one_, "Address")->required();
    evidence_command->add_option("--most", most_, "At most so many, newest first")
        ->check(whole_number())
        ->capture_default_str();
    evidence_command->add_flag("--explain", explains_, "Also how sure the judge was, and what decided");
    formats(evidence_command);
    auto* const listings_command =
        command(app_, "listings", "What is listed now", [this] { return listings(context_, one_, filter_); });
    listings_command->add_option("CIDR", one_, "Only within this network");
    who_and_when(listings_command, "Listed by this person's decision", "Listed within this time, such as 7d");
    listings_command->add_option("--source", filter_.source, "automatic or operator")
        ->check(one_of("source", {"automatic", "operator"}))
        ->option_text("WHAT");
    listings_command->add_option("--code", filter_.code, "With this code, such as dsn")
        ->check(one_of("code", names_of(CodeSet::from_bits(~0U))))
        ->option_text("CODE");
    formats(listings_command);
    formats(command(app_, "exemptions", "What is exempt now", [this] { return exemptions(context_); }));
    auto* const log_command =
        command(app_, "log", "Who changed what, when and why", [this] { return log(context_, filter_); });
    who_and_when(log_command, "Changes by this person", "Changes within this time, such as 7d");
    log_command->add_option("--action", filter_.action, "Such as list, delist, exempt, import")
        ->check(one_of("action",
                       {"list", "delist", "exempt", "end-exemption", "import", "retire-trap", "restore-trap", "undo"}))
        ->option_text("ACTION");
    log_command->add_option("--subject", filter_.subject, "With this in the subject: a network, a file")
        ->option_text("TEXT");
    formats(log_command);
    auto* const history_command =
        command(app_, "history", "Every change that covers an address, with who and why; exits 1 if there is none",
                [this] { return cli::history(context_, one_, most_); });
    history_command->add_option("IP", one_, "Address")->required();
    history_command->add_option("--most", most_, "At most so many, newest first")
        ->check(whole_number())
        ->capture_default_str();
    formats(history_command);
    auto* const quarantine_command = command(app_, "quarantine", "What couldn't be judged or attributed, and why",
                                             [this] { return quarantine(context_, most_, show_); });
    quarantine_command->add_option("--most", most_, "At most so many, newest first")
        ->check(whole_number())
        ->capture_default_str();
    quarantine_command->add_option("--show", show_, "Write out the thing with this id");
    formats(quarantine_command);
    formats(command(app_, "stats", "The list and its feeds in numbers", [this] { return stats(context_); }));
    auto* const classify_command =
        command(app_, "classify", "What the judge says of messages, folders, mboxes; records nothing",
                [this] { return classify(context_, many_, relays_, explains_); });
    classify_command->add_option("PATH", many_, "Messages, folders, mboxes")->required();
    classify_command
        ->add_option("--trusted-relay", relays_, "Our own hop, for reading Received:; may be given several times")
        ->option_text("CIDR");
    classify_command->add_flag("--explain", explains_, "Say below each line what decided");
    classify_command->footer("Prints path, kind, cause and client address with tabs between, - where there is none.");
  }

  void who_and_when(CLI::App* sub, const std::string& who, const std::string& when) {
    sub->add_option("--who", filter_.who, who)->option_text("NAME");
    sub->add_option("--since", filter_.since, when)->option_text("TIME");
    sub->add_option("--most", filter_.most, "At most so many")->check(whole_number())->option_text("N");
  }

  void reason_and_time(CLI::App* sub, bool with_time) {
    sub->add_option("--reason", decision_.reason, "Why; goes on record")->required();
    if (with_time) sub->add_option("--for", decision_.duration, "For how long, such as 14d; for good if not given");
  }

  void several(CLI::App* sub, SeveralArguments& several, const std::string& name, const std::string& what) {
    sub->add_option(name, several.texts, what);
    sub->add_option("--file", several.file, "Also those in this file, one a line, comments behind # or ;")
        ->option_text("FILE");
  }

  void dry_run(CLI::App* sub) {
    sub->add_flag("--dry-run", decision_.dry_run, "Change nothing, only say what it would do");
  }

  void wide(CLI::App* sub) {
    sub->add_flag("--wide", decision_.wide,
                  "Even if it is wide: shorter than /16 (IPv6: /32), special-use space, millions of addresses");
  }

  void decisions() {
    auto* const list_command =
        command(app_, "list", "List an address or network by your word", [this] { return list(context_, decision_); });
    list_command->add_option("CIDR", decision_.prefix, "Address or network")->required();
    reason_and_time(list_command, true);
    wide(list_command);
    auto* const delist_command =
        command(app_, "delist", "End listings and start afresh: what was seen until now counts no more",
                [this] { return delist(context_, decision_); });
    several(delist_command, decision_.several, "CIDR", "Addresses or networks; - for standard input");
    reason_and_time(delist_command, false);
    wide(delist_command);
    dry_run(delist_command);
    auto* const exempt_command =
        command(app_, "exempt", "Never list an address or network", [this] { return exempt(context_, decision_); });
    several(exempt_command, decision_.several, "CIDR", "Addresses or networks; - for standard input");
    exempt_command->add_flag("--end", decision_.end, "End this exemption");
    reason_and_time(exempt_command, true);
    wide(exempt_command);
    dry_run(exempt_command);
    auto* const import_command =
        command(app_, "import", "List what a file names: a network a line, or CSV with reason and end",
                [this] { return import(context_, one_, decision_); });
    import_command->add_option("FILE", one_, "File, - for standard input")->required();
    reason_and_time(import_command, true);
    wide(import_command);
    dry_run(import_command);
    import_command->footer(
        "A line is `192.0.2.0/24`, a comment behind # or ;, or CSV: `192.0.2.0/24,reason,until`, where until is "
        "2026-12-24 "
        "or 14d.\nA first line such as `network,until,reason` names the columns. --reason and --for are for lines "
        "without.\n"
        "Lines that aren't understood are told and left out (exit code 1); all others are listed.\n"
        "Lines that need --wide are told; without it nothing at all is imported (exit code 2).");
  }

  /// What the recorded incidents tell beyond a single sender.
  void history() {
    auto* const policy = app_.add_subcommand("policy", "Try another policy before it counts");
    policy->require_subcommand(1);
    policy->fallthrough();
    auto* const simulate =
        command(*policy, "simulate", "Replay all recorded incidents: who would be listed, who would go",
                [this] { return policy_simulate(context_, one_, only_changes_); });
    simulate
        ->add_option("FILE", one_, "A config, or a file with a [policy]; keys that it doesn't name stay as they are")
        ->required();
    simulate->add_flag("--changed", only_changes_, "Leave out who stays listed just as now");
    formats(simulate);
    simulate->footer(
        "Changes nothing. Delistings and exemptions count as they were made; your own listings aren't concerned.");
    auto* const top_command =
        command(app_, "top", "Who sends most: by network, sender or campaign", [this] { return top(context_, top_); });
    top_command->add_option("--by", top_.by, "network, sender or campaign")
        ->check(one_of("grouping", {"network", "sender", "campaign"}))
        ->option_text("WHAT=network");
    top_command->add_option("--since", top_.since, "Received within this time, such as 12h or 30d")
        ->capture_default_str();
    top_command->add_option("--most", top_.most, "At most so many")->check(whole_number())->capture_default_str();
    top_command->add_option("--ipv4-prefix", top_.ipv4_prefix, "Length of an IPv4 network")
        ->check(whole_number(32))
        ->option_text("BITS=24");
    top_command->add_option("--ipv6-prefix", top_.ipv6_prefix, "Length of an IPv6 network")
        ->check(whole_number(128))
        ->option_text("BITS=48");
    formats(top_command);
    top_command->footer("A campaign is one forged mailing: what many servers bounced of it is one campaign.");
    auto* const traps_command = command(app_, "traps", "Which traps are hit, which are silent",
                                        [this] { return traps(context_, silent_for_); });
    traps_command->add_option("--silent-for", silent_for_, "Only those without a hit for so long, such as 30d");
    formats(traps_command);
    traps_command->footer("Shows trap addresses whole: keep what it prints to yourself.");
    for (const bool adds : {true, false}) {
      auto* const change =
          command(*traps_command, adds ? "add" : "remove",
                  adds ? "Write a trap into the file of traps" : "Take a trap out of the file of traps",
                  [this, adds] { return adds ? traps_add(context_, one_) : traps_remove(context_, one_); });
      change->add_option("TRAP", one_, "An address, a domain, or *. and a domain, for it and all names below")
          ->required();
      change->footer("The file is the one that traps.file names in the config. Ingest takes it up at a reload.");
    }
    auto* const retire = command(*traps_command, "retire", "Leave alone what comes for this trap from now on",
                                 [this] { return traps_retire(context_, one_, decision_.reason); });
    retire->add_option("ADDRESS", one_, "The trap's address")->required();
    reason_and_time(retire, false);
    retire->footer("What it reported before counts on and fades. `traps restore` or `undo` takes it back.");
    auto* const restore = command(*traps_command, "restore", "Count what comes for a retired trap again",
                                  [this] { return traps_restore(context_, one_, decision_.reason); });
    restore->add_option("ADDRESS", one_, "The trap's address")->required();
    reason_and_time(restore, false);
  }

  void second_thoughts() {
    auto* const undo_command = command(app_, "undo", "Take back what an entry of the log did",
                                       [this] { return undo(context_, entry_, decision_.reason, decision_.dry_run); });
    undo_command->add_option("ID", entry_, "The entry's id in `blowback log`")->check(entry_id())->required();
    reason_and_time(undo_command, false);
    dry_run(undo_command);
    undo_command->footer(
        "list, import    ends what it listed, unless a later decision touched it; what it replaced comes back\n"
        "delist, exempt  what it ended comes back, unless it would be over by now; senders stand as if it had never "
        "been\n"
        "exempt --end    exempt again, with its first reason and end\n"
        "traps retire    a trap again; traps restore: retired again\n"
        "What has ended by itself, or was replaced since, can't be undone, and neither can an undo (exit code 1).");
  }

  void outward() {
    auto* const export_command = command(app_, "export", "The list for other programs",
                                         [this] { return export_list(context_, export_format_, to_); });
    const auto known = one_of("format", {"plain", "cidr", "rbldnsd", "zone", "postfix", "nft", "json"});
    export_command
        ->add_option("--format", export_format_, "plain (unless said), cidr, rbldnsd, zone, postfix, nft or json")
        ->check(known)
        ->option_text("FORMAT")
        ->capture_default_str();
    export_command->add_option("--to", to_, "Replace this file once all is written, instead of printing")
        ->option_text("FILE");
    auto* const doctor_command = command(app_, "doctor", "Look at everything that can be wrong, and say how to mend it",
                                         [this] { return doctor(context_, resolver_); });
    doctor_command->add_option("--resolver", resolver_, "Ask this one for the zone's public name; else the system's")
        ->option_text("ADDRESS[:PORT]");
    formats(doctor_command);
    auto* const conform_command =
        command(app_, "conform", "Does a DNSBL, ours or any, answer as resolvers and mail servers need it?",
                [this] { return conform(context_, conform_); });
    conform_command->add_option("ZONE", conform_.zone, "The list's zone, such as bl.example.org")->required();
    conform_command->add_option("--server", conform_.server, "Ask this one; else the zone's first name server")
        ->option_text("ADDRESS[:PORT]");
    conform_command->add_option("--listed", conform_.listed, "An address that is listed, to look at its names, too")
        ->option_text("IP");
    formats(conform_command);
    auto* const completion_command = command(app_, "completion", "Completion for a shell, to be read by it", [this] {
      context_.say(completion(app_, one_));
      return static_cast<int>(kYes);
    });
    completion_command->add_option("SHELL", one_, "bash, zsh or fish")
        ->required()
        ->check(one_of("shell", {"bash", "zsh", "fish"}));
  }

  /// What stands below each command's options in its help.
  void examples() {
    for (const auto& [path, lines] : kExamples) {
      CLI::App* at = &app_;
      for (std::string_view rest = path; !rest.empty();) {
        const auto word = rest.substr(0, rest.find(' '));
        at = at->get_subcommand(std::string(word));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      }
      // A command begins with the tool's own footer.
      const auto own = at->get_footer() == app_.get_footer() ? "" : at->get_footer() + "\n";
      at->footer(fmt::format("{}Examples:\n{}", own, lines));
    }
  }

  void about_the_config() {
    auto* const config = app_.add_subcommand("config", "Look at the config");
    config->require_subcommand(1);
    config->fallthrough();
    auto* const check_command = command(*config, "check", "Could the daemons work by it? Exits 1 where one couldn't",
                                        [this] { return config_check(context_, daemon_); });
    check_command->add_option("--daemon", daemon_, "For this one alone: server or ingest")
        ->check(one_of("daemon", {"server", "ingest"}))
        ->option_text("WHICH");
    formats(check_command);
    check_command->footer(
        "Looks at files, folders and certificates as the user who runs it; ports aren't tried. Exit code 2: the file "
        "isn't\n"
        "understood, and each mistake is told with its line.");
    command(*config, "show", "All keys with the values in force, and where each comes from; secrets are masked",
            [this] { return config_show(context_); });
  }

  void upkeep() {
    auto* const db = app_.add_subcommand("db", "Look after the database");
    db->require_subcommand(1);
    db->fallthrough();
    command(*db, "migrate", "Make the database, or bring it to this program's format",
            [this] { return db_migrate(context_); });
    command(*db, "check", "Is it whole? Prints what isn't", [this] { return db_check(context_); });
    auto* const backup = command(*db, "backup", "A consistent copy, also while others write",
                                 [this] { return db_backup(context_, one_); });
    backup->add_option("FILE", one_, "Where to; a former backup is replaced")->required();
    auto* const restore = command(*db, "restore", "Put a backup in the database's place; stop the daemons first",
                                  [this] { return db_restore(context_, one_); });
    restore->add_option("FILE", one_, "The backup")->required();
    command(*db, "compact", "Give room that nothing is in any more back to the file system",
            [this] { return db_compact(context_); });
  }

  CLI::App app_{"The operator's tool of Blowback: list, delist, exempt, explain.", "blowback"};
  Context context_;
  std::function<int()> chosen_;
  Format format_ = Format::table;
  std::string early_format_;
  FilterArguments filter_;
  SeveralArguments several_;
  std::string one_;
  std::vector<std::string> many_;
  std::size_t most_ = kMostLines;
  std::string show_;
  bool plain_ = false;
  std::string daemon_;
  std::string export_format_ = "plain";
  std::string to_;
  std::string resolver_;
  ConformArguments conform_;
  std::vector<std::string> relays_;
  bool explains_ = false;
  bool only_changes_ = false;
  TopArguments top_;
  std::string silent_for_;
  std::uint64_t entry_ = 0;
  DecisionArguments decision_;
};

}  // namespace

/// What is said and can't be written is a failure, whatever the command: a script that reads half a list must learn of it.
int run(const std::vector<std::string>& arguments, const World& world) {
  int error = 0;
  try {
    const int code = Parser(world).run(arguments);
    if (std::fflush(world.out) == 0 && std::ferror(world.out) == 0) return code;
    error = errno;
  } catch (const std::system_error& failure) {
    if (std::ferror(world.out) == 0) throw;  // not of fmt::print
    error = failure.code().value();
  }
  if (error == EPIPE) return kReaderGone;
  std::fputs(
      fmt::format("blowback: can't write all of the output: {}; make room there and run it again. What a command "
                  "has changed is changed: see `blowback log`\n",
                  std::generic_category().message(error))
          .c_str(),
      world.err);
  return kFailed;
}

}  // namespace blowback::cli
