// `list`, `delist`, `exempt`: a person's word, with a reason on record.
#include "command.h"
#include "lines.h"
#include "progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace blowback::cli {
namespace {

[[nodiscard]] std::string for_how_long(const std::optional<UnixTime>& until, UnixTime now) {
  return until ? "until " + when(*until, now) : "until it is ended by hand";
}

/// ` (4,294,967,296 IPv4 addresses)` for a decision with --wide; nothing for others.
[[nodiscard]] std::string reached(const Prefix& network, const DecisionArguments& arguments) {
  return arguments.wide ? fmt::format(" ({})", to_string(reach_of(network).addresses)) : std::string();
}

[[nodiscard]] std::string listings_in_words(std::uint64_t count) {
  return fmt::format("{} listing{}", count, count == 1 ? "" : "s");
}

/// All of them, or none: one mistake puts a list of decisions in doubt. Empty: it was told; return `context.failure`.
[[nodiscard]] std::optional<Given<Prefix>> all_networks(Context& context, const DecisionArguments& arguments,
                                                        std::string_view would) {
  auto given = networks(context, arguments.several);
  if (!given) return std::nullopt;
  std::size_t wide = 0;
  for (const auto& one : given->all) {
    if (arguments.end) break;  // gives nobody more than he had
    if (!may_reach(context, one.value, arguments.permission(), would, given->where(one))) ++wide;
  }
  if (wide == 0 && given->refused == 0) return given;
  if (given->all.size() + given->refused > 1) {
    context.complain(fmt::format("nothing was changed, of all {} that were named", given->all.size() + given->refused),
                     kWrongUse);
  }
  context.failure = kWrongUse;
  return std::nullopt;
}

/// Decides for one after another by `decide`, which returns an exit code. What went before a failure stays, and is told.
template <typename Decide>
int each(const Context& context, const Given<Prefix>& given, std::string_view what, Decide decide) {
  int worst = kYes;
  Progress progress(context, std::string(what), /*prints=*/true);
  for (std::size_t i = 0; i < given.all.size(); ++i) {
    const int code = decide(given.all[i]);
    if (code > kNo && given.all.size() > 1) {
      return context.complain(fmt::format("{}{} of {} are done, the others aren't; the same command does all of them",
                                          given.where(given.all[i]), i, given.all.size()),
                              code);
    }
    worst = std::max(worst, code);
    progress.show(i + 1, given.all.size(), "networks");
  }
  return worst;
}

[[nodiscard]] schema::Result<std::uint64_t> listings_within(schema::Store& store, const Prefix& network, UnixTime now) {
  std::uint64_t count = 0;
  const auto visited = store.for_each_listing({.within = network}, now, [&](const Listing&) { ++count; });
  if (!visited) return std::unexpected(visited.error());
  return count;
}

}  // namespace

int list(Context& context, const DecisionArguments& arguments) {
  const auto network = prefix(context, arguments.prefix);
  const auto decided = decision(context, arguments.reason);
  const auto ends = until(context, arguments.duration);
  if (!network || !decided || !ends) return kWrongUse;
  if (const auto why = why_never_listed(*network)) return context.complain(*why + "; nothing was changed", kWrongUse);
  if (!may_reach(context, *network, arguments.permission(), "list")) return kWrongUse;
  auto store = context.store(schema::Store::Mode::create);
  if (!store) return context.failure;
  const auto is_exempt = [&] {
    return context.complain(fmt::format("{} is exempt and can't be listed; end the exemption first: "
                                        "`blowback exempt CIDR --end --reason R` (see `blowback exemptions`)",
                                        network->to_string()),
                            kNo);
  };
  // Asked beforehand, so that what is refused leaves no entry in the log as if it had been decided.
  const auto exemptions = store->exemptions(context.world.now);
  if (!exemptions) return context.complain(exemptions.error());
  if (std::ranges::any_of(*exemptions, [&](const Exemption& one) { return one.prefix.contains(*network); })) {
    return is_exempt();
  }
  const auto listed =
      store->list({&*network, 1}, *ends, *decided, context.world.now, /*imported_from=*/{}, arguments.permission());
  if (!listed) return context.complain(listed.error());
  if (listed->standing == 0) return is_exempt();
  context.say(fmt::format("{}{} is listed {}", network->to_string(), reached(*network, arguments),
                          for_how_long(*ends, context.world.now)));
  return kYes;
}

int delist(Context& context, const DecisionArguments& arguments) {
  const auto decided = decision(context, arguments.reason);
  if (!decided) return kWrongUse;
  const auto given = all_networks(context, arguments, "delist");
  if (!given) return context.failure;
  const UnixTime now = context.world.now;
  auto store = context.store(arguments.dry_run ? schema::Store::Mode::read : schema::Store::Mode::write);
  if (!store) return context.failure;
  if (given->all.size() == 1) context.show_progress(*store, "delist");
  return each(context, *given, "delist", [&](const auto& one) -> int {
    const Prefix& network = one.value;
    // Nobody is delisted by less than what is listed for him: an IPv6 address' /64.
    const Prefix sender = sender_of(network.first());
    const auto ended = arguments.dry_run ? listings_within(*store, sender.contains(network) ? sender : network, now)
                                         : store->delist(network, *decided, now, arguments.permission());
    if (!ended) return context.complain(ended.error());
    context.say(fmt::format("{}{}: {} {}; what was seen until now {} no more", network.to_string(),
                            reached(network, arguments), listings_in_words(*ended),
                            arguments.dry_run ? "would end" : "ended", arguments.dry_run ? "would count" : "counts"));
    const auto dossier = store->dossier(network.first(), 0);
    if (!dossier) return context.complain(dossier.error());
    for (const auto& listing : dossier->listings) {
      if (!listing.in_force(now) || network.contains(listing.prefix)) continue;
      context.say(fmt::format("still listed as part of {} ({})", listing.prefix.to_string(), harmless(listing.reason)));
    }
    return *ended > 0 ? kYes : kNo;
  });
}

int exempt(Context& context, const DecisionArguments& arguments) {
  const auto decided = decision(context, arguments.reason);
  const auto ends = until(context, arguments.duration);
  if (!decided || !ends) return kWrongUse;
  const auto given = all_networks(context, arguments, "exempt");
  if (!given) return context.failure;
  const UnixTime now = context.world.now;
  auto store = context.store(arguments.dry_run ? schema::Store::Mode::read : schema::Store::Mode::create);
  if (!store) return context.failure;
  const auto end_one = [&](const Prefix& network) -> int {
    bool ended = false;
    if (arguments.dry_run) {
      const auto exemptions = store->exemptions(now);
      if (!exemptions) return context.complain(exemptions.error());
      ended = std::ranges::find(*exemptions, network, &Exemption::prefix) != exemptions->end();
    } else {
      const auto done = store->end_exemption(network, *decided, now);
      if (!done) return context.complain(done.error());
      ended = *done;
    }
    if (!ended) return context.complain(network.to_string() + " isn't exempt; see `blowback exemptions`", kNo);
    context.say(
        fmt::format("{} {} exempt no more; no listing comes back by that: the next incident that counts lists a "
                    "sender again whose score is enough",
                    network.to_string(), arguments.dry_run ? "would be" : "is"));
    return kYes;
  };
  if (given->all.size() == 1) context.show_progress(*store, "exempt");
  return each(context, *given, "exempt", [&](const auto& one) -> int {
    const Prefix& network = one.value;
    if (arguments.end) return end_one(network);
    const auto ended = arguments.dry_run ? listings_within(*store, network, now)
                                         : store->exempt(network, *ends, *decided, now, arguments.permission());
    if (!ended) return context.complain(ended.error());
    context.say(fmt::format("{}{} {} exempt {}; {} {}", network.to_string(), reached(network, arguments),
                            arguments.dry_run ? "would be" : "is", for_how_long(*ends, now), listings_in_words(*ended),
                            arguments.dry_run ? "would end" : "ended"));
    return kYes;
  });
}

}  // namespace blowback::cli
