// `listings` and `exemptions`: what is in force.
#include "command.h"

#include <fmt/format.h>

namespace blowback::cli {

std::vector<std::string> names_of(CodeSet codes) {
  std::vector<std::string> names;
  for (const Code code : kAllCodes) {
    if (codes.has(code)) names.emplace_back(name_of(code));
  }
  return names;
}

int listings(Context& context, const std::string& within, const FilterArguments& filter) {
  schema::ListingFilter wanted{.within = {}, .source = {}, .codes = {}, .since = {}, .who = filter.who};
  if (!within.empty()) {
    wanted.within = prefix(context, within);
    if (!wanted.within) return kWrongUse;
  }
  const auto since = ago(context, "--since", filter.since);
  if (!since) return kWrongUse;
  wanted.since = *since;
  for (const Source source : {Source::automatic, Source::by_operator}) {
    if (filter.source == name_of(source)) wanted.source = source;
  }
  if (const auto code = code_named(filter.code)) wanted.codes = *code;
  if (filter.most) wanted.most = *filter.most;
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  RowPrinter table(context.world.out, {"prefix", "source", "codes", "listed_at", "expires_at", "reason"},
                   context.look());
  const auto visited = store->for_each_listing(wanted, context.world.now, [&](const Listing& listing) {
    table.add({cell(listing.prefix.to_string()), cell(name_of(listing.source)), Cell(names_of(listing.codes)),
               Cell(listing.listed_at), cell(listing.expires_at), Cell(listing.reason)});
  });
  if (!visited) return context.complain(visited.error());
  table.end();
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
