// `blowback log`: who changed what, when and why.
#include "arguments.h"
#include "commands.h"

#include <memory>
#include <string>

namespace blowback::cli {
namespace {

/// What is empty restricts nothing.
struct Arguments {
  std::string action;
  std::string subject;
  ListArguments list;
};

int log(const Context& context, const Arguments& arguments) {
  const auto changed_since = since(context, arguments.list.since);
  if (!changed_since) return changed_since.error();
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  const auto entries = opened->store.audit({.most = arguments.list.most.value_or(kMostLines),
                                            .who = arguments.list.who,
                                            .action = arguments.action,
                                            .subject = arguments.subject,
                                            .since = *changed_since});
  if (!entries) return context.fail(entries.error());
  Table table({"id", "at", "who", "action", "subject", "until", "changes", "undone_by", "unfinished", "reason"});
  for (const auto& entry : *entries) {
    table.add({Cell(entry.id), Cell(entry.at), Cell(entry.who), Cell(entry.action), Cell(entry.subject),
               cell(entry.until), Cell(entry.changes), cell(entry.undone_by), entry.unfinished ? Cell(true) : Cell(),
               Cell(entry.reason)});
  }
  context.print(table);
  return kYes;
}

}  // namespace

void add_log(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "log",
                           .summary = "Who changed what, when and why",
                           .notes = {},
                           .examples = "  blowback log --most 20\n"
                                       "  blowback log --who olga --action import --since 7d\n"},
                          [arguments](const Context& context) { return log(context, *arguments); });
  add_list_options(command, arguments->list, "Changes by this person", "Changes within this time, such as 7d");
  command.option("--action", arguments->action, "Such as list, delist, exempt, import")
      .one_of("action", {"list", "delist", "exempt", "end-exemption", "import", "retire-trap", "restore-trap", "undo"})
      .shown_as("ACTION");
  command.option("--subject", arguments->subject, "With this in the subject: a network, a file").shown_as("TEXT");
  command.format();
}

}  // namespace blowback::cli
