// What `list`, `delist` and `exempt` have in common: decisions of a person about one or several networks.
#pragma once

#include "arguments.h"
#include "lines.h"
#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::cli {

/// `until 2026-12-24 10:00 (in 30 days)`, `until it is ended by hand`.
[[nodiscard]] std::string for_how_long(const std::optional<UnixTime>& until, UnixTime now);
/// ` (4,294,967,296 IPv4 addresses)` for a decision with --wide; nothing for others.
[[nodiscard]] std::string reached(const Prefix& network, const DecisionArguments& arguments);
/// `1 listing`, `2 listings`.
[[nodiscard]] std::string listings_in_words(std::uint64_t count);

/// The number of listings in force at `now` within `network`.
[[nodiscard]] schema::Result<std::uint64_t> listings_within(schema::Store& store, const Prefix& network, UnixTime now);

/// The networks that were named, if all are understood and `permission` covers each; fails otherwise: one mistake puts the
/// whole list in doubt. `would`: what the decision would do, `delist`.
[[nodiscard]] OrExit<Given<Prefix>> all_networks(const Context& context, const SeveralArguments& several,
                                                 Permission permission, std::string_view would);

/// Calls `decide` for one network after another; it returns an exit code. Stops at the first failure, and reports how far it
/// came: earlier decisions stay. Returns the highest exit code. `what`: the name of the command.
template <typename Decide>
int decide_each(const Context& context, const Given<Prefix>& given, std::string_view what, Decide decide) {
  int worst = kYes;
  Progress progress(context, std::string(what), /*prints=*/true);
  for (std::size_t i = 0; i < given.all.size(); ++i) {
    const int code = decide(given.all[i].value);
    if (code > kNo && given.all.size() > 1) {
      return context.fail(fmt::format("{}{} of {} are done, the others aren't; run the same command again",
                                      given.where(given.all[i]), i, given.all.size()),
                          code);
    }
    worst = std::max(worst, code);
    progress.show(i + 1, given.all.size(), "networks");
  }
  return worst;
}

}  // namespace blowback::cli
