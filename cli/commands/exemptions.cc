// `blowback exemptions`: what is exempt now.
#include "commands.h"

namespace blowback::cli {
namespace {

int exemptions(const Context& context) {
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  const auto found = opened->store.exemptions(context.world.now);
  if (!found) return context.fail(found.error());
  Table table({"prefix", "since", "expires_at", "reason"});
  for (const auto& exemption : *found) {
    table.add({cell(exemption.prefix.to_string()), Cell(exemption.since), cell(exemption.expires_at),
               Cell(exemption.reason)});
  }
  context.print(table);
  return kYes;
}

}  // namespace

void add_exemptions(Command& tool) {
  auto command = tool.add(
      {.name = "exemptions", .summary = "What is exempt now", .notes = {}, .examples = "  blowback exemptions\n"},
      exemptions);
  command.format();
}

}  // namespace blowback::cli
