// `log`: who changed what, when and why. `history IP`: what became of one address, with the decisions behind it.
#include "command.h"

#include <fmt/format.h>

namespace blowback::cli {

int log(Context& context, const FilterArguments& filter) {
  const auto since = ago(context, "--since", filter.since);
  if (!since) return kWrongUse;
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  const auto entries = store->audit({.most = filter.most.value_or(kMostLines),
                                     .who = filter.who,
                                     .action = filter.action,
                                     .subject = filter.subject,
                                     .since = *since});
  if (!entries) return context.complain(entries.error());
  Table table({"id", "at", "who", "action", "subject", "until", "changes", "undone_by", "unfinished", "reason"});
  for (const auto& entry : *entries) {
    table.add({Cell(entry.id), Cell(entry.at), Cell(entry.who), Cell(entry.action), Cell(entry.subject),
               cell(entry.until), Cell(entry.changes), cell(entry.undone_by), entry.unfinished ? Cell(true) : Cell(),
               Cell(entry.reason)});
  }
  context.print(table);
  return kYes;
}

int history(Context& context, const std::string& ip, std::size_t most) {
  const auto asked = address(context, ip);
  if (!asked) return kWrongUse;
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  const auto changes = store->changes_around(*asked, most);
  if (!changes) return context.complain(changes.error());
  Table table(
      {"at", "change", "prefix", "source", "codes", "expires_at", "who", "action", "entry", "undone_by", "reason"});
  for (const auto& [change, decision] : *changes) {
    std::vector<Cell> row{Cell(change.at),
                          cell(name_of(change.action)),
                          Cell(change.prefix.to_string()),
                          cell(name_of(change.source)),
                          Cell(names_of(change.codes)),
                          cell(change.expires_at)};
    if (decision) {
      row.insert(row.end(), {Cell(decision->who), Cell(decision->action), Cell(decision->id), cell(decision->undone_by),
                             Cell(decision->reason)});
    } else {
      row.resize(row.size() + 5);
    }
    table.add(std::move(row));
  }
  // On standard error, so that what is printed can be parsed.
  const auto kept = store->kept(context.world.now);
  if (!kept) return context.complain(kept.error());
  if (kept->changes_since) {
    fmt::print(context.world.err,
               "blowback: of the changes before {} only each network's last is kept; `journal` in [retention] says for "
               "how long they are\n",
               minute(*kept->changes_since));
  }
  context.print(table);
  return changes->empty() ? kNo : kYes;
}

}  // namespace blowback::cli
