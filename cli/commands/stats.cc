// `blowback stats`: figures of the list, of each feed, and of the running server.
#include "arguments.h"
#include "commands.h"
#include "dns/server_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace blowback::cli {

namespace {

using Asked = std::expected<ServerStatus, ServerSilence>;

/// Programs get the server's figures in the same table. `server.running` is empty if the server can't be asked.
void add_figures(Table& figures, const Asked& server, std::uint64_t head) {
  const bool known = server || server.error().nobody;
  figures.add({Cell(std::string("server.running")), known ? Cell(std::uint64_t{server ? 1U : 0U}) : Cell()});
  if (server) add_server_figures(figures, *server, head);
}

/// A later day is no help for planning, and with hardly any growth its year would have seven digits.
constexpr double kMostDays = 36'500;

/// The size of the database, its growth, and what is no longer stored.
void add_kept(Table& figures, const schema::Kept& kept, const std::string& database, UnixTime now) {
  const auto add = [&](const char* name, Cell value) { figures.add({Cell(std::string(name)), std::move(value)}); };
  add("database_octets", Cell(kept.octets));
  add("database_free_octets", Cell(kept.free_octets));
  add("growth_octets_per_day", kept.octets_per_day ? Cell(std::round(*kept.octets_per_day)) : Cell());
  std::error_code failed;
  const auto space = std::filesystem::space(std::filesystem::absolute(database, failed).parent_path(), failed);
  add("disk_free_octets", failed ? Cell() : Cell(std::uint64_t{space.available}));
  std::optional<UnixTime> full_on;
  if (!failed && kept.octets_per_day && *kept.octets_per_day > 0) {
    const double days =
        (static_cast<double>(space.available) + static_cast<double>(kept.free_octets)) / *kept.octets_per_day;
    if (days < kMostDays) full_on = now + std::chrono::hours{static_cast<std::int64_t>(days * 24)};
  }
  add("disk_full_on", cell(full_on));
  add("incidents_since", cell(kept.incidents_since));
  add("evidence_since", cell(kept.evidence_since));
  add("journal_since", cell(kept.changes_since));
  add("incidents_to_convert", Cell(kept.to_convert));
}

void show(const Context& context, const Table& table) {
  if (table.empty()) return;
  context.print_line("");
  context.print(table);
}

void show(const Context& context, const Asked& server, std::uint64_t head) {
  if (!server) {
    context.print_line("\n" + server.error().text);
    return;
  }
  show(context, server_table(*server, head));
  show(context, queries_table(*server));
}

int stats(const Context& context) {
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const auto found = store.stats(context.world.now);
  if (!found) return context.fail(found.error());
  Table figures({"figure", "value"});
  const auto add = [&](const std::string& name, std::uint64_t value) { figures.add({Cell(name), Cell(value)}); };
  add("serial", found->serial);
  add("listings_automatic", found->listings_automatic);
  add("listings_by_operator", found->listings_by_operator);
  for (const Code code : kAllCodes) {
    add(fmt::format("listed_as_{}", name_of(code)), found->listings_by_code[static_cast<std::size_t>(code)]);
  }
  add("exemptions", found->exemptions);
  add("removals_pending", found->removals.pending);
  add("removals_done", found->removals.done);
  add("removals_refused", found->removals.refused);
  add("senders", found->senders);
  add("traps_hit", found->traps);
  add("incidents", found->incidents);
  for (std::size_t i = 0; i < found->incidents_by_kind.size(); ++i) {
    add(fmt::format("incidents_{}", name_of(static_cast<Kind>(i))), found->incidents_by_kind[i]);
  }
  add("quarantine", found->quarantined);
  add("quarantine_octets", found->quarantine_octets);
  add_kept(figures, found->kept, config.database, context.world.now);
  Table feeds({"feed", "deliveries", "incidents", "uncounted", "unknown_reverse_path", "duplicates", "not_backscatter",
               "not_a_trap", "quarantined", "last_delivery"});
  // A feed that never delivered anything isn't in the database, but is the one that needs attention.
  auto all_feeds = found->feeds;
  for (const auto& feed : config.feeds) {
    if (std::ranges::find(all_feeds, feed.name, &schema::Stats::Feed::name) != all_feeds.end()) continue;
    all_feeds.push_back({.name = feed.name, .counts = {}, .last_delivery = {}});
  }
  for (const auto& feed : all_feeds) {
    const auto& counts = feed.counts;
    const std::array<std::pair<std::string_view, std::uint64_t>, 8> figures_of_feed{
        {{"deliveries", counts.deliveries},
         {"incidents", counts.incidents},
         {"uncounted", counts.uncounted},
         {"unknown_reverse_path", counts.unknown_reverse_path},
         {"duplicates", counts.duplicates},
         {"not_backscatter", counts.not_backscatter},
         {"not_a_trap", counts.not_a_trap},
         {"quarantined", counts.quarantined}}};
    std::vector<Cell> row{Cell(feed.name)};
    for (const auto& [name, count] : figures_of_feed) {
      row.emplace_back(count);
      // Programs get one table, with a feed's counts as `feed.NAME.COUNT`.
      if (context.format != Format::table) add(fmt::format("feed.{}.{}", feed.name, name), count);
    }
    row.push_back(feed.last_delivery ? Cell(*feed.last_delivery) : cell("never"));
    feeds.add(std::move(row));
  }
  // A server that doesn't answer is no error: the figures of the list are what was asked for.
  const auto& socket = config.server.status_socket;
  const auto server = socket.empty() ? std::nullopt : std::optional(ask_server(socket));
  if (context.format != Format::table) {
    if (server) add_figures(figures, *server, found->serial);
    figures.print_figures(context.world.out, context.look());
    return kYes;
  }
  context.print(figures);
  show(context, feeds);
  if (server) show(context, *server, found->serial);
  return kYes;
}

}  // namespace

void add_stats(Command& tool) {
  auto command = tool.add({.name = "stats",
                           .summary = "Figures of the list, its feeds and the server",
                           .notes = {},
                           .examples = "  blowback stats\n"
                                       "  blowback stats --format json\n"},
                          stats);
  command.format();
}

}  // namespace blowback::cli
