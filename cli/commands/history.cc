// `blowback history IP`: every change that covered one address, with the decisions behind it.
#include "account/codes.h"
#include "arguments.h"
#include "commands.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

struct Arguments {
  std::string ip;
  std::size_t most = kMostLines;
};

int history(const Context& context, const Arguments& arguments) {
  const auto asked = address(context, arguments.ip);
  if (!asked) return asked.error();
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& store = opened->store;
  const auto changes = store.changes_around(*asked, arguments.most);
  if (!changes) return context.fail(changes.error());
  Table table(
      {"at", "change", "prefix", "source", "codes", "expires_at", "who", "action", "entry", "undone_by", "reason"});
  for (const auto& [change, decision] : *changes) {
    std::vector<Cell> row{Cell(change.at),
                          cell(name_of(change.action)),
                          Cell(change.prefix.to_string()),
                          cell(name_of(change.source)),
                          Cell(account::names_of(change.codes)),
                          cell(change.expires_at)};
    if (decision) {
      row.insert(row.end(), {Cell(decision->who), Cell(decision->action), Cell(decision->id), cell(decision->undone_by),
                             Cell(decision->reason)});
    } else {
      row.resize(row.size() + 5);
    }
    table.add(std::move(row));
  }
  // On standard error, so that programs can parse standard output.
  const auto kept = store.kept(context.world.now);
  if (!kept) return context.fail(kept.error());
  if (kept->changes_since) {
    fmt::print(
        context.world.err,
        "blowback: of the changes before {} only the last of each network is kept; `journal` in [retention] sets how "
        "long all are kept\n",
        minute(*kept->changes_since));
  }
  context.print(table);
  return changes->empty() ? kNo : kYes;
}

}  // namespace

void add_history(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "history",
                           .summary = "All changes that cover an address, with who and why; exits 1 if there is none",
                           .notes = {},
                           .examples = "  blowback history 192.0.2.1\n"},
                          [arguments](const Context& context) { return history(context, *arguments); });
  command.option("IP", arguments->ip, "Address").required();
  add_most(command, arguments->most);
  command.format();
}

}  // namespace blowback::cli
