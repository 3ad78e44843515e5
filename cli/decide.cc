// `list`, `delist`, `exempt`: a person's word, with a reason on record.
#include "command.h"

#include <fmt/format.h>

namespace blowback::cli {
namespace {

[[nodiscard]] std::string for_how_long(const std::optional<UnixTime>& until, UnixTime now) {
  return until ? "until " + when(*until, now) : "until it is ended by hand";
}

/// ` (4,294,967,296 IPv4 addresses)` for a decision with --wide; nothing for others.
[[nodiscard]] std::string reached(const Prefix& network, const DecisionArguments& arguments) {
  return arguments.wide ? fmt::format(" ({})", to_string(reach_of(network).addresses)) : std::string();
}

}  // namespace

int list(Context& context, const DecisionArguments& arguments) {
  const auto network = prefix(context, arguments.prefix);
  const auto decided = decision(context, arguments.reason);
  const auto ends = until(context, arguments.duration);
  if (!network || !decided || !ends || !may_reach(context, *network, arguments.permission(), "list")) return kWrongUse;
  auto store = context.store(schema::Store::Mode::create);
  if (!store) return context.failure;
  const auto listed =
      store->list({&*network, 1}, *ends, *decided, context.world.now, /*imported_from=*/{}, arguments.permission());
  if (!listed) return context.complain(listed.error());
  if (*listed == 0) {
    return context.complain(fmt::format("{} is exempt and can't be listed; end the exemption first: "
                                        "`blowback exempt CIDR --end --reason R` (see `blowback exemptions`)",
                                        network->to_string()),
                            kNo);
  }
  context.say(fmt::format("{}{} is listed {}", network->to_string(), reached(*network, arguments),
                          for_how_long(*ends, context.world.now)));
  return kYes;
}

int delist(Context& context, const DecisionArguments& arguments) {
  const auto network = prefix(context, arguments.prefix);
  const auto decided = decision(context, arguments.reason);
  if (!network || !decided || !may_reach(context, *network, arguments.permission(), "delist")) return kWrongUse;
  auto store = context.store(schema::Store::Mode::write);
  if (!store) return context.failure;
  context.show_progress(*store, "delist");
  const auto ended = store->delist(*network, *decided, context.world.now, arguments.permission());
  if (!ended) return context.complain(ended.error());
  context.say(fmt::format("{}{}: {} listing{} ended; what was seen until now counts no more", network->to_string(),
                          reached(*network, arguments), *ended, *ended == 1 ? "" : "s"));
  const auto dossier = store->dossier(network->first(), 0);
  if (!dossier) return context.complain(dossier.error());
  for (const auto& listing : dossier->listings) {
    if (!listing.in_force(context.world.now) || network->contains(listing.prefix)) continue;
    context.say(fmt::format("still listed as part of {} ({})", listing.prefix.to_string(), harmless(listing.reason)));
  }
  return *ended > 0 ? kYes : kNo;
}

int exempt(Context& context, const DecisionArguments& arguments) {
  const auto network = prefix(context, arguments.prefix);
  const auto decided = decision(context, arguments.reason);
  const auto ends = until(context, arguments.duration);
  if (!network || !decided || !ends) return kWrongUse;
  if (!arguments.end && !may_reach(context, *network, arguments.permission(), "exempt")) return kWrongUse;
  auto store = context.store(schema::Store::Mode::create);
  if (!store) return context.failure;
  if (arguments.end) {
    const auto ended = store->end_exemption(*network, *decided, context.world.now);
    if (!ended) return context.complain(ended.error());
    if (!*ended) return context.complain(network->to_string() + " isn't exempt; see `blowback exemptions`", kNo);
    context.say(network->to_string() + " is exempt no more");
    return kYes;
  }
  context.show_progress(*store, "exempt");
  const auto ended = store->exempt(*network, *ends, *decided, context.world.now, arguments.permission());
  if (!ended) return context.complain(ended.error());
  context.say(fmt::format("{}{} is exempt {}; {} listing{} ended", network->to_string(), reached(*network, arguments),
                          for_how_long(*ends, context.world.now), *ended, *ended == 1 ? "" : "s"));
  return kYes;
}

}  // namespace blowback::cli
