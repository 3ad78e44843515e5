// `blowback top`: who sends most backscatter, by network, by sender, or by the forged mailing it answers.
#include "command.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace blowback::cli {
using By = schema::TopQuestion::By;

int top(Context& context, const TopArguments& arguments) {
  const auto span = parse_duration(arguments.since);
  if (!span || *span <= Duration{0}) {
    return context.complain(
        fmt::format("--since {}: {}", arguments.since, span ? "must be longer than nothing" : span.error().text),
        kWrongUse);
  }
  const auto config = context.config();
  if (!config) return context.failure;
  auto store = schema::Store::open(config->database, schema::Store::Mode::read);
  if (!store) return context.complain(store.error());
  const By by = arguments.by == "network" ? By::network : arguments.by == "sender" ? By::sender : By::campaign;
  const auto top = store->top({.by = by,
                               .since = context.world.now - *span,
                               .most = arguments.most,
                               .ipv4_prefix = arguments.ipv4_prefix,
                               .ipv6_prefix = arguments.ipv6_prefix,
                               .any_reverse_path = config->policy.any_reverse_path},
                              context.world.now);
  if (!top) return context.complain(top.error());
  std::vector<std::string> columns{arguments.by, "incidents", "counted"};
  if (by != By::sender) columns.emplace_back("senders");
  columns.insert(columns.end(), {"listed", "traps"});
  if (by != By::campaign) columns.emplace_back("campaigns");
  columns.insert(columns.end(), {"kinds", "last_seen"});
  Table table(columns);
  for (const auto& group : top->groups) {
    std::vector<Cell> row{Cell(group.name), Cell(group.incidents), Cell(group.counted)};
    if (by != By::sender) row.emplace_back(group.senders);
    if (by == By::sender) {
      row.emplace_back(group.listed > 0);
    } else if (by == By::campaign && !top->is_exact) {
      row.emplace_back();
    } else {
      row.emplace_back(group.listed);
    }
    row.emplace_back(group.traps);
    if (by != By::campaign) row.emplace_back(group.campaigns);
    row.emplace_back(names_of(group.kinds));
    row.emplace_back(group.last_seen);
    table.add(std::move(row));
  }
  context.print(table);
  if (!top->is_exact) {
    fmt::print(context.world.err,
               "blowback: from the sums of whole days (UTC): a group that was small on a day may be counted too low\n");
  }
  return kYes;
}

}  // namespace blowback::cli
