#include "decision.h"

#include <fmt/format.h>

namespace blowback::cli {

std::string for_how_long(const std::optional<UnixTime>& until, UnixTime now) {
  return until ? "until " + when(*until, now) : "until it is ended by hand";
}

std::string reached(const Prefix& network, const DecisionArguments& arguments) {
  return arguments.wide ? fmt::format(" ({})", to_string(reach_of(network).addresses)) : std::string();
}

std::string listings_in_words(std::uint64_t count) { return fmt::format("{} listing{}", count, count == 1 ? "" : "s"); }

schema::Result<std::uint64_t> listings_within(schema::Store& store, const Prefix& network, UnixTime now) {
  std::uint64_t count = 0;
  const auto visited = store.for_each_listing({.within = network}, now, [&](const Listing&) { ++count; });
  if (!visited) return std::unexpected(visited.error());
  return count;
}

OrExit<Given<Prefix>> all_networks(const Context& context, const SeveralArguments& several, Permission permission,
                                   std::string_view would) {
  auto given = networks(context, several);
  if (!given) return given;
  std::size_t wide = 0;
  for (const auto& one : given->all) {
    if (!may_reach(context, one.value, permission, would, given->where(one))) ++wide;
  }
  if (wide == 0 && given->refused == 0) return given;
  const auto named = given->all.size() + given->refused;
  if (named > 1) context.warn(fmt::format("nothing was changed, of all {} that were named", named));
  return std::unexpected(int{kWrongUse});
}

}  // namespace blowback::cli
