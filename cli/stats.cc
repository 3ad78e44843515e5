// `blowback stats`: the list in numbers, and what each feed delivered.
#include "command.h"

#include <fmt/format.h>

namespace blowback::cli {

int stats(Context& context) {
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  const auto found = store->stats(context.world.now);
  if (!found) return context.complain(found.error());
  Table figures({"figure", "value"});
  const auto add = [&](const std::string& name, std::uint64_t value) { figures.add({Cell(name), Cell(value)}); };
  add("serial", found->serial);
  add("listings_automatic", found->listings_automatic);
  add("listings_by_operator", found->listings_by_operator);
  for (const Code code : kAllCodes) {
    add(fmt::format("listed_as_{}", name_of(code)), found->listings_by_code[static_cast<std::size_t>(code)]);
  }
  add("exemptions", found->exemptions);
  add("senders", found->senders);
  add("traps_hit", found->traps);
  add("incidents", found->incidents);
  for (std::size_t i = 0; i < found->incidents_by_kind.size(); ++i) {
    add(fmt::format("incidents_{}", name_of(static_cast<Kind>(i))), found->incidents_by_kind[i]);
  }
  add("quarantine", found->quarantined);
  Table feeds({"feed", "deliveries", "incidents", "duplicates", "not_backscatter", "not_a_trap", "quarantined",
               "last_delivery"});
  for (const auto& feed : found->feeds) {
    // Programs get one table: a feed's counts stand in it as `feed.NAME.COUNT`.
    const auto& counts = feed.counts;
    feeds.add({Cell(feed.name), Cell(counts.deliveries), Cell(counts.incidents), Cell(counts.duplicates),
               Cell(counts.not_backscatter), Cell(counts.not_a_trap), Cell(counts.quarantined),
               cell(feed.last_delivery)});
    if (context.format == Format::table) continue;
    add("feed." + feed.name + ".deliveries", counts.deliveries);
    add("feed." + feed.name + ".incidents", counts.incidents);
    add("feed." + feed.name + ".duplicates", counts.duplicates);
    add("feed." + feed.name + ".not_backscatter", counts.not_backscatter);
    add("feed." + feed.name + ".not_a_trap", counts.not_a_trap);
    add("feed." + feed.name + ".quarantined", counts.quarantined);
  }
  context.print(figures);
  if (context.format == Format::table && !feeds.empty()) {
    context.say("");
    context.print(feeds);
  }
  return kYes;
}

}  // namespace blowback::cli
