// `blowback delist CIDR…`: ends listings, and lets earlier incidents no longer count.
#include "commands.h"
#include "decision.h"

#include <fmt/format.h>

#include <memory>

namespace blowback::cli {
namespace {

struct Arguments {
  SeveralArguments several;
  DecisionArguments decision;
};

int delist(const Context& context, const Arguments& arguments) {
  const auto decided = decision(context, arguments.decision.reason);
  if (!decided) return decided.error();
  const auto permission = arguments.decision.permission();
  const bool dry_run = arguments.decision.dry_run;
  const auto given = all_networks(context, arguments.several, permission, "delist");
  if (!given) return given.error();
  const UnixTime now = context.world.now;
  auto opened = context.open(dry_run ? schema::Store::Mode::read : schema::Store::Mode::write);
  if (!opened) return opened.error();
  auto& store = opened->store;
  if (given->all.size() == 1) context.show_progress(store, "delist");
  return decide_each(context, *given, "delist", [&](const Prefix& network) -> int {
    // IPv6 senders are listed as /64 networks, so nothing smaller can be delisted.
    const Prefix sender = sender_of(network.first());
    const auto ended = dry_run ? listings_within(store, sender.contains(network) ? sender : network, now)
                               : store.delist(network, *decided, now, permission);
    if (!ended) return context.fail(ended.error());
    context.print_line(fmt::format("{}{}: {} {}; earlier incidents {}", network.to_string(),
                                   reached(network, arguments.decision), listings_in_words(*ended),
                                   dry_run ? "would end" : "ended",
                                   dry_run ? "would no longer count" : "no longer count"));
    const auto dossier = store.dossier(network.first(), 0);
    if (!dossier) return context.fail(dossier.error());
    for (const auto& listing : dossier->listings) {
      if (!listing.in_force(now) || network.contains(listing.prefix)) continue;
      context.print_line(
          fmt::format("still listed as part of {} ({})", listing.prefix.to_string(), harmless(listing.reason)));
    }
    return *ended > 0 ? kYes : kNo;
  });
}

}  // namespace

void add_delist(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "delist",
                           .summary = "End listings and start afresh: earlier incidents no longer count",
                           .notes = {},
                           .examples = "  blowback delist 192.0.2.1 --reason 'postmaster fixed it'\n"
                                       "  blowback delist --file mended.txt --reason 'ticket 14' --dry-run\n"},
                          [arguments](const Context& context) { return delist(context, *arguments); });
  add_several(command, arguments->several, "CIDR", "Addresses or networks; - for standard input");
  add_reason(command, arguments->decision.reason);
  add_wide(command, arguments->decision.wide);
  add_dry_run(command, arguments->decision.dry_run);
}

}  // namespace blowback::cli
