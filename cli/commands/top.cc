// `blowback top`: who sends most backscatter, by network, sender, or campaign.
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
using By = schema::TopQuestion::By;

struct Arguments {
  std::string by = "network";  ///< or `sender`, `campaign`
  std::string since = "7d";
  std::size_t most = 20;
  int ipv4_prefix = 24;
  int ipv6_prefix = 48;
};

int top(const Context& context, const Arguments& arguments) {
  const auto span = duration(context, "--since", arguments.since);
  if (!span) return span.error();
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const By by = arguments.by == "network" ? By::network : arguments.by == "sender" ? By::sender : By::campaign;
  const auto top = store.top({.by = by,
                              .since = context.world.now - *span,
                              .most = arguments.most,
                              .ipv4_prefix = arguments.ipv4_prefix,
                              .ipv6_prefix = arguments.ipv6_prefix,
                              .any_reverse_path = config.policy.any_reverse_path},
                             context.world.now);
  if (!top) return context.fail(top.error());
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
    row.emplace_back(account::names_of(group.kinds));
    row.emplace_back(group.last_seen);
    table.add(std::move(row));
  }
  context.print(table);
  if (!top->is_exact) {
    fmt::print(context.world.err,
               "blowback: counted from daily sums (UTC), which leave out small groups: a count may be too low\n");
  }
  return kYes;
}

}  // namespace

void add_top(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "top",
                           .summary = "Who sends most, by network, sender or campaign",
                           .notes = "A campaign is one forged mailing, however many servers bounced it.",
                           .examples = "  blowback top --ipv4-prefix 16 --since 30d        which providers\n"
                                       "  blowback top --by campaign --since 24h           is a joe-job under way?\n"},
                          [arguments](const Context& context) { return top(context, *arguments); });
  command.option("--by", arguments->by, "network, sender or campaign")
      .one_of("grouping", {"network", "sender", "campaign"})
      .shown_as("WHAT=network");
  command.option("--since", arguments->since, "Received within this time, such as 12h or 30d").shows_default();
  command.option("--most", arguments->most, "At most so many").whole_number().shows_default();
  command.option("--ipv4-prefix", arguments->ipv4_prefix, "Length of an IPv4 network")
      .whole_number(32)
      .shown_as("BITS=24");
  command.option("--ipv6-prefix", arguments->ipv6_prefix, "Length of an IPv6 network")
      .whole_number(128)
      .shown_as("BITS=48");
  command.format();
}

}  // namespace blowback::cli
