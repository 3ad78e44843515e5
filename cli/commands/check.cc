// `blowback check IP…`: whether each is listed, and what the zone answers. Exits 1 if one isn't.
#include "account/codes.h"
#include "arguments.h"
#include "commands.h"
#include "lines.h"
#include "progress.h"

#include <memory>

namespace blowback::cli {
namespace {

int check(const Context& context, const SeveralArguments& several) {
  const auto given = addresses(context, several);
  if (!given) return given.error();
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& store = opened->store;
  RowPrinter table(context.world.out, {"ip", "listed", "codes", "answers"}, context.look());
  Progress progress(context, "check", /*prints=*/true);
  bool all_listed = true;
  std::size_t done = 0;
  for (const auto& one : given->all) {
    auto codes = store.check(one.value, context.world.now);
    if (!codes) return context.fail(codes.error());
    if (const auto always = account::always_answered(one.value)) codes = *always;
    all_listed &= !codes->empty();
    table.add({cell(one.value.to_string()), Cell(!codes->empty()), Cell(account::names_of(*codes)),
               Cell(account::answers_of(*codes))});
    progress.show(++done, given->all.size(), "addresses");
  }
  table.end();
  if (given->refused > 0) return kWrongUse;
  return all_listed ? kYes : kNo;
}

}  // namespace

void add_check(Command& tool) {
  const auto several = std::make_shared<SeveralArguments>();
  auto command = tool.add({.name = "check",
                           .summary = "Is it listed? Exits 1 if one isn't",
                           .notes = {},
                           .examples = "  blowback check 192.0.2.1 2001:db8::25\n"
                                       "  blowback check 192.0.2.1 >/dev/null && echo listed\n"
                                       "  blowback check --file clients.txt --format csv\n"},
                          [several](const Context& context) { return check(context, *several); });
  add_several(command, *several, "IP", "Addresses; - for standard input");
  command.format();
}

}  // namespace blowback::cli
