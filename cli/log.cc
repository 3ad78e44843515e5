// `blowback log`: who changed what, when and why.
#include "command.h"

namespace blowback::cli {

int log(Context& context, std::size_t most) {
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  const auto entries = store->audit(most);
  if (!entries) return context.complain(entries.error());
  Table table({"id", "at", "who", "action", "subject", "until", "changes", "undone_by", "unfinished", "reason"});
  for (const auto& entry : *entries) {
    table.add({Cell(entry.id), Cell(entry.at), Cell(entry.who), Cell(entry.action), Cell(entry.subject),
               cell(entry.until), Cell(entry.changes), entry.undone_by ? Cell(*entry.undone_by) : Cell(),
               entry.unfinished ? Cell(true) : Cell(), Cell(entry.reason)});
  }
  context.print(table);
  return kYes;
}

}  // namespace blowback::cli
