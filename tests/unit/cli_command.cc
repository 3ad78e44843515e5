// How commands declare themselves, and how their arguments are parsed: with commands of the test's own.
#include "catch.h"
#include "cli_list.h"
#include "completion.h"
#include "parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using cli::Command;
using cli::Context;

namespace {

/// What a run of the test's own tool left behind.
struct Parsed {
  int code = -1;
  std::string ran;  ///< the command that ran
  std::string out;
  std::string err;
  std::string word;
  std::optional<std::size_t> most;
  int bits = 24;
  bool flag = false;
  cli::Format format = cli::Format::table;
};

/// `paint [WORD]`, with a command `paint wall` beneath it; `group` with `group one`.
void add_test_commands(Command tool, Parsed& parsed) {
  const auto runs = [&parsed](std::string name) {
    return [&parsed, name = std::move(name)](const Context& context) {
      parsed.ran = name;
      parsed.format = context.format;
      return 7;
    };
  };
  auto paint = tool.add({.name = "paint", .summary = "Paints", .notes = "A note.", .examples = "  blowback paint\n"},
                        runs("paint"));
  paint.option("WORD", parsed.word, "A word");
  paint.option("--colour", parsed.word, "Which").one_of("colour", {"red", "green"}).shown_as("COLOUR");
  paint.option("--most", parsed.most, "How many").whole_number();
  paint.option("--bits", parsed.bits, "How long").whole_number(32).shown_as("BITS=24");
  paint.option("--to", parsed.word, "Where to").shown_as("FILE");
  paint.flag("--twice", parsed.flag, "Twice");
  paint.format();
  paint.add({.name = "wall", .summary = "Paints a wall", .notes = {}, .examples = "  blowback paint wall\n"},
            runs("paint wall"));
  auto group =
      tool.add_group({.name = "group", .summary = "Groups", .notes = {}, .examples = "  blowback group one\n"});
  group.add({.name = "one", .summary = "One", .notes = {}, .examples = "  blowback group one\n"}, runs("group one"));
}

Parsed parse(const std::vector<std::string>& arguments) {
  Parsed parsed;
  const File out(std::tmpfile(), &std::fclose);
  const File err(std::tmpfile(), &std::fclose);
  const cli::World world{.out = out.get(), .err = err.get(), .now = kNow, .who = "olga", .variable = {}};
  cli::Parser parser(world);
  add_test_commands(parser.tool(), parsed);
  parsed.code = parser.run(arguments);
  parsed.out = content(out.get());
  parsed.err = content(err.get());
  return parsed;
}

}  // namespace

TEST_CASE("the command that is named runs, with its options, and its exit code is returned", "[cli][command]") {
  const auto parsed = parse({"paint", "--colour", "green", "--most", "3", "--bits=32", "--twice"});
  CHECK(parsed.code == 7);
  CHECK(parsed.ran == "paint");
  CHECK(parsed.word == "green");
  CHECK(parsed.most == 3U);
  CHECK(parsed.bits == 32);
  CHECK(parsed.flag);
  CHECK(parsed.err.empty());
}

TEST_CASE("of a command and one beneath it only the named one runs", "[cli][command]") {
  CHECK(parse({"paint"}).ran == "paint");
  CHECK(parse({"paint", "wall"}).ran == "paint wall");
  CHECK(parse({"group", "one"}).ran == "group one");
}

TEST_CASE("--format is in force before the command and after it, where the last word is the command's",
          "[cli][command]") {
  CHECK(parse({"paint"}).format == cli::Format::table);
  CHECK(parse({"paint", "--format", "json"}).format == cli::Format::json);
  CHECK(parse({"--format", "csv", "paint"}).format == cli::Format::csv);
  CHECK(parse({"--format", "csv", "paint", "--format", "json"}).format == cli::Format::json);
  const auto none = parse({"--format", "csv", "group", "one"});
  CHECK(none.code == cli::kWrongUse);
  CHECK(none.ran.empty());
  CHECK(none.err == "blowback: --format: `blowback group one` prints no table\n");
}

TEST_CASE("wrong arguments run nothing, and are named with the help that has the right ones", "[cli][command]") {
  struct Case {
    std::vector<std::string> arguments;
    std::string text;
  };
  const std::vector<Case> cases{
      {{"piant"}, "there is no command `piant`; did you mean `paint`?; see `blowback --help`"},
      {{"paint", "--colr", "red"},
       "there is no option `--colr`; did you mean `--colour`?; see `blowback paint --help`"},
      {{"paint", "--colour", "gren"},
       "--colour: unknown colour `gren`; known are red and green; did you mean `green`?; see `blowback paint --help`"},
      {{"paint", "--bits", "33"}, "--bits: `33` is not a whole number from 0 to 32; see `blowback paint --help`"},
      {{"paint", "--most", "-1"}, "--most: `-1` is not a whole number; see `blowback paint --help`"},
      {{"group", "one", "b"}, "`b` is one argument too many; see `blowback group one --help`"},
      {{"paint", "--to"}, "--to needs a value; see `blowback paint --help`"},
      {{"group"}, "`blowback group` needs a command: one; see `blowback group --help`"},
      {{}, "name a command, such as check, why or stats; see `blowback --help`"},
  };
  for (const auto& [arguments, text] : cases) {
    const auto parsed = parse(arguments);
    CAPTURE(arguments);
    CHECK(parsed.code == cli::kWrongUse);
    CHECK(parsed.ran.empty());
    CHECK(parsed.out.empty());
    CHECK(parsed.err == "blowback: " + text + "\n");
  }
}

TEST_CASE("a command's help has its summary, options, notes and examples", "[cli][command]") {
  const auto help = parse({"paint", "--help"});
  CHECK(help.code == cli::kYes);
  CHECK(help.ran.empty());
  for (const auto* const part :
       {"Paints\n", "--colour COLOUR", "--bits BITS=24", "A note.\nExamples:\n  blowback paint\n"}) {
    CAPTURE(part, help.out);
    CHECK(help.out.contains(part));
  }
}

TEST_CASE("the outline has every command with its options, known values and files", "[cli][command]") {
  Parsed parsed;
  const cli::World world{.variable = {}};
  cli::Parser parser(world);
  add_test_commands(parser.tool(), parsed);
  const auto outline = parser.tool().outline();
  REQUIRE(outline.commands.size() == 2);
  const auto& paint = outline.commands.front();
  CHECK(paint.path == "/paint");
  CHECK(paint.summary == "Paints");
  REQUIRE(paint.commands.size() == 1);
  CHECK(paint.commands.front().path == "/paint/wall");
  const auto option = [&](const std::string& name) {
    const auto found = std::ranges::find_if(paint.options, [&](const auto& each) { return each.names.back() == name; });
    CAPTURE(name);
    REQUIRE(found != paint.options.end());
    return *found;
  };
  CHECK(option("--colour").known_values == std::vector<std::string>{"red", "green"});
  CHECK(option("--colour").takes_value);
  CHECK_FALSE(option("--colour").takes_file);
  CHECK(option("--to").takes_file);
  CHECK_FALSE(option("--twice").takes_value);
  CHECK(option("--format").known_values == std::vector<std::string>{"table", "json", "csv"});
  const auto bash = cli::completion(outline, "bash");
  CHECK(bash.contains("/paint:--colour) words='red green' ;;"));
  CHECK(bash.contains("/paint:--to) files=1 ;;"));
}
