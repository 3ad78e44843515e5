// `blowback listings`: what is listed now.
#include "account/codes.h"
#include "arguments.h"
#include "commands.h"

#include <memory>
#include <string>

namespace blowback::cli {
namespace {

/// What is empty restricts nothing.
struct Arguments {
  std::string within;
  std::string source;  ///< `automatic` or `operator`
  std::string code;
  ListArguments list;
};

int listings(const Context& context, const Arguments& arguments) {
  schema::ListingFilter wanted{.within = {}, .source = {}, .codes = {}, .since = {}, .who = arguments.list.who};
  if (!arguments.within.empty()) {
    const auto within = prefix(context, arguments.within);
    if (!within) return within.error();
    wanted.within = *within;
  }
  const auto listed_since = since(context, arguments.list.since);
  if (!listed_since) return listed_since.error();
  wanted.since = *listed_since;
  for (const Source source : {Source::automatic, Source::by_operator}) {
    if (arguments.source == name_of(source)) wanted.source = source;
  }
  if (const auto code = code_named(arguments.code)) wanted.codes = *code;
  if (arguments.list.most) wanted.most = *arguments.list.most;
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  RowPrinter table(context.world.out, {"prefix", "source", "codes", "listed_at", "expires_at", "reason"},
                   context.look());
  const auto visited = opened->store.for_each_listing(wanted, context.world.now, [&](const Listing& listing) {
    table.add({cell(listing.prefix.to_string()), cell(name_of(listing.source)), Cell(account::names_of(listing.codes)),
               Cell(listing.listed_at), cell(listing.expires_at), Cell(listing.reason)});
  });
  if (!visited) return context.fail(visited.error());
  table.end();
  return kYes;
}

}  // namespace

void add_listings(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "listings",
                           .summary = "What is listed now",
                           .notes = {},
                           .examples = "  blowback listings 198.51.100.0/24\n"
                                       "  blowback listings --source operator --since 7d\n"
                                       "  blowback listings --format csv >listings.csv\n"},
                          [arguments](const Context& context) { return listings(context, *arguments); });
  command.option("CIDR", arguments->within, "Only within this network");
  add_list_options(command, arguments->list, "Listed by this person's decision", "Listed within this time, such as 7d");
  command.option("--source", arguments->source, "automatic or operator")
      .one_of("source", {"automatic", "operator"})
      .shown_as("WHAT");
  command.option("--code", arguments->code, "With this code, such as dsn")
      .one_of("code", account::names_of(CodeSet::from_bits(~0U)))
      .shown_as("CODE");
  command.format();
}

}  // namespace blowback::cli
