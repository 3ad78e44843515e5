// `blowback removals`: who asked for removal, how control was proved, and what became of it.
#include "arguments.h"
#include "commands.h"

#include <memory>
#include <string>

namespace blowback::cli {
namespace {

struct Arguments {
  std::string ip;
  bool pending = false;
  std::size_t most = kMostLines;
};

int removals(const Context& context, const Arguments& arguments) {
  schema::RemovalFilter filter{.most = arguments.most};
  if (arguments.pending) filter.state = RemovalState::pending;
  if (!arguments.ip.empty()) {
    const auto asked = address(context, arguments.ip);
    if (!asked) return asked.error();
    filter.of = *asked;
  }
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  const auto found = opened->store.removals(filter);
  if (!found) return context.fail(found.error());
  Table table({"requested_at", "sender", "address", "proof", "mailed_to", "due_at", "state", "reason", "decided_at",
               "entry", "undone"});
  for (const auto& request : *found) {
    table.add({Cell(request.requested_at), Cell(request.sender.to_string()), Cell(request.address.to_string()),
               cell(name_of(request.proof)), Cell(request.mailed_to), Cell(request.due_at),
               cell(name_of(request.state)), request.refused ? cell(name_of(*request.refused)) : Cell(),
               cell(request.decided_at), cell(request.audit), Cell(request.undone)});
  }
  context.print(table);
  return found->empty() ? kNo : kYes;
}

}  // namespace

void add_removals(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "removals",
                           .summary = "Requests of listed senders to be removed; exits 1 if there is none",
                           .notes = {},
                           .examples = "  blowback removals --pending\n"
                                       "  blowback removals 192.0.2.1\n"},
                          [arguments](const Context& context) { return removals(context, *arguments); });
  command.option("IP", arguments->ip, "Only of the sender of this address");
  command.flag("--pending", arguments->pending, "Only those that wait for their time");
  add_most(command, arguments->most);
  command.format();
}

}  // namespace blowback::cli
