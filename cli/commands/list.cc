// `blowback list CIDR`: a listing by a person's decision, with the reason on record.
#include "commands.h"
#include "decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

namespace blowback::cli {
namespace {

struct Arguments {
  std::string network;
  DecisionArguments decision;
};

int list(const Context& context, const Arguments& arguments) {
  const auto network = prefix(context, arguments.network);
  const auto decided = decision(context, arguments.decision.reason);
  const auto ends = until(context, arguments.decision.duration);
  if (!network || !decided || !ends) return kWrongUse;  // each has reported its own mistake
  const auto permission = arguments.decision.permission();
  if (const auto why = why_never_listed(*network)) return context.fail(*why + "; nothing was changed", kWrongUse);
  if (!may_reach(context, *network, permission, "list")) return kWrongUse;
  const UnixTime now = context.world.now;
  auto opened = context.open(schema::Store::Mode::create);
  if (!opened) return opened.error();
  auto& store = opened->store;
  const auto is_exempt = [&] {
    return context.fail(fmt::format("{} is exempt and can't be listed; end the exemption first: "
                                    "`blowback exempt CIDR --end --reason R` (see `blowback exemptions`)",
                                    network->to_string()),
                        kNo);
  };
  // Checked beforehand, so that a refused listing leaves no entry in the log as if it had been decided.
  const auto exemptions = store.exemptions(now);
  if (!exemptions) return context.fail(exemptions.error());
  if (std::ranges::any_of(*exemptions, [&](const Exemption& one) { return one.prefix.contains(*network); })) {
    return is_exempt();
  }
  const auto listed = store.list({&*network, 1}, *ends, *decided, now, /*imported_from=*/{}, permission);
  if (!listed) return context.fail(listed.error());
  if (listed->standing == 0) return is_exempt();
  context.print_line(fmt::format("{}{} is listed {}", network->to_string(), reached(*network, arguments.decision),
                                 for_how_long(*ends, now)));
  return kYes;
}

}  // namespace

void add_list(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command =
      tool.add({.name = "list",
                .summary = "List an address or network by your own decision",
                .notes = {},
                .examples = "  blowback list 198.51.100.0/24 --reason 'ticket 12' --for 14d\n"
                            "  blowback list 2001:db8::/29 --wide --reason 'the whole provider, ticket 13' --for 2d\n"},
               [arguments](const Context& context) { return list(context, *arguments); });
  command.option("CIDR", arguments->network, "Address or network").required();
  add_reason(command, arguments->decision.reason);
  add_duration(command, arguments->decision.duration);
  add_wide(command, arguments->decision.wide);
}

}  // namespace blowback::cli
