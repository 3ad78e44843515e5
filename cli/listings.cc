// `listings` and `exemptions`: what is in force.
#include "command.h"

#include <fmt/format.h>

namespace blowback::cli {
std::string names_of(CodeSet codes) {
  std::string names;
  for (const Code code : kAllCodes) {
    if (codes.has(code)) names += (names.empty() ? "" : " ") + std::string(name_of(code));
  }
  return names;
}

int listings(Context& context, const std::string& within) {
  std::optional<Prefix> network;
  if (!within.empty()) {
    network = prefix(context, within);
    if (!network) return kWrongUse;
  }
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  Table table({"prefix", "source", "codes", "listed_at", "expires_at", "reason"});
  const auto visited = store->for_each_listing(network, context.world.now, [&](const Listing& listing) {
    table.add({cell(listing.prefix.to_string()), cell(name_of(listing.source)), Cell(names_of(listing.codes)),
               Cell(listing.listed_at), cell(listing.expires_at), Cell(listing.reason)});
  });
  if (!visited) return context.complain(visited.error());
  context.print(table);
  return kYes;
}

int exemptions(Context& context) {
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  const auto found = store->exemptions(context.world.now);
  if (!found) return context.complain(found.error());
  Table table({"prefix", "since", "expires_at", "reason"});
  for (const auto& exemption : *found) {
    table.add({cell(exemption.prefix.to_string()), Cell(exemption.since), cell(exemption.expires_at),
               Cell(exemption.reason)});
  }
  context.print(table);
  return kYes;
}

}  // namespace blowback::cli
