// `blowback exempt CIDR…`: networks that are never listed, until the exemption ends.
#include "commands.h"
#include "decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace blowback::cli {
namespace {

struct Arguments {
  SeveralArguments several;
  bool ends = false;  ///< --end
  DecisionArguments decision;
};

/// Ends the exemption of `network`, or with `dry_run` only checks whether there is one.
int end_exemption(const Context& context, schema::Store& store, const Prefix& network, const schema::Decision& decided,
                  bool dry_run) {
  const UnixTime now = context.world.now;
  bool ended = false;
  if (dry_run) {
    const auto exemptions = store.exemptions(now);
    if (!exemptions) return context.fail(exemptions.error());
    ended = std::ranges::find(*exemptions, network, &Exemption::prefix) != exemptions->end();
  } else {
    const auto done = store.end_exemption(network, decided, now);
    if (!done) return context.fail(done.error());
    ended = *done;
  }
  if (!ended) return context.fail(network.to_string() + " isn't exempt; see `blowback exemptions`", kNo);
  context.print_line(
      fmt::format("{} {} no longer exempt; that restores no listing: senders with a high enough score are listed again "
                  "by their next incident that counts",
                  network.to_string(), dry_run ? "would be" : "is"));
  return kYes;
}

int exempt(const Context& context, const Arguments& arguments) {
  const auto decided = decision(context, arguments.decision.reason);
  const auto until_when = until(context, arguments.decision.duration);
  if (!decided || !until_when) return kWrongUse;
  const auto permission = arguments.decision.permission();
  const bool dry_run = arguments.decision.dry_run;
  // Ending an exemption takes nothing away, so it needs no permission for wide networks.
  const auto given = all_networks(context, arguments.several, arguments.ends ? Permission::wide : permission, "exempt");
  if (!given) return given.error();
  const UnixTime now = context.world.now;
  auto opened = context.open(dry_run ? schema::Store::Mode::read : schema::Store::Mode::create);
  if (!opened) return opened.error();
  auto& store = opened->store;
  if (given->all.size() == 1) context.show_progress(store, "exempt");
  return decide_each(context, *given, "exempt", [&](const Prefix& network) -> int {
    if (arguments.ends) return end_exemption(context, store, network, *decided, dry_run);
    const auto ended =
        dry_run ? listings_within(store, network, now) : store.exempt(network, *until_when, *decided, now, permission);
    if (!ended) return context.fail(ended.error());
    context.print_line(fmt::format("{}{} {} exempt {}; {} {}", network.to_string(),
                                   reached(network, arguments.decision), dry_run ? "would be" : "is",
                                   for_how_long(*until_when, now), listings_in_words(*ended),
                                   dry_run ? "would end" : "ended"));
    return kYes;
  });
}

}  // namespace

void add_exempt(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "exempt",
                           .summary = "Never list an address or network",
                           .notes = {},
                           .examples = "  blowback exempt 203.0.113.0/28 --reason 'our own relays'\n"
                                       "  blowback exempt 203.0.113.0/28 --end --reason 'moved away'\n"},
                          [arguments](const Context& context) { return exempt(context, *arguments); });
  add_several(command, arguments->several, "CIDR", "Addresses or networks; - for standard input");
  command.flag("--end", arguments->ends, "End this exemption");
  add_reason(command, arguments->decision.reason);
  add_duration(command, arguments->decision.duration);
  add_wide(command, arguments->decision.wide);
  add_dry_run(command, arguments->decision.dry_run);
}

}  // namespace blowback::cli
