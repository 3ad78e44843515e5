// `blowback top`: who sends most backscatter, by network, by sender, or by the forged mailing it answers.
#include "command.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

using Number = std::uint32_t;

/// Texts and networks as numbers in the order they were met, so that a group can count how many different ones it saw.
template <typename T>
class Numbers {
 public:
  [[nodiscard]] Number of(const T& value) {
    return numbers_.try_emplace(value, static_cast<Number>(numbers_.size())).first->second;
  }

 private:
  std::unordered_map<T, Number> numbers_;
};

struct Group {
  std::string name;
  std::uint64_t incidents = 0;
  std::uint64_t counted = 0;  ///< of these, those that count against their senders
  std::unordered_map<Number, Prefix> senders;
  std::unordered_set<Number> traps;
  std::unordered_set<Number> campaigns;
  CodeSet kinds;
  UnixTime last_seen{};
};

/// Which of `senders` are listed and not exempt, in one pass over the list. Sorts `senders`; the result goes by their order.
[[nodiscard]] schema::Result<std::vector<bool>> which_are_listed(schema::Store& store, std::vector<Prefix>& senders,
                                                                 UnixTime now) {
  std::ranges::sort(senders);
  senders.erase(std::ranges::unique(senders).begin(), senders.end());
  std::vector<bool> listed(senders.size());
  const auto mark = [&](const Prefix& prefix, bool value) {
    auto at = std::ranges::lower_bound(senders, prefix.first(), {}, &Prefix::first);
    for (; at != senders.end() && at->first() <= prefix.last(); ++at) {
      if (prefix.contains(*at)) listed[static_cast<std::size_t>(at - senders.begin())] = value;
    }
  };
  // Exemptions come after all listings.
  const auto visited = store.snapshot(
      now, [&](const Listing& listing) { mark(listing.prefix, true); },
      [&](const Exemption& exemption) { mark(exemption.prefix, false); });
  if (!visited) return std::unexpected(visited.error());
  return listed;
}

/// The greatest `most` groups of the incidents since then, by what counts.
[[nodiscard]] schema::Result<std::vector<Group>> greatest(schema::Store& store, const TopArguments& arguments,
                                                          UnixTime since, const Policy& policy) {
  std::unordered_map<std::string, Group> groups;
  Numbers<Prefix> senders;
  Numbers<std::string> traps;
  Numbers<std::string> campaigns;
  const auto visited = store.for_each_incident(since, [&](const Incident& incident) {
    const Prefix sender = sender_of(incident.client);
    std::string name = incident.campaign;
    if (arguments.by == "sender") name = sender.to_string();
    if (arguments.by == "network") {
      const bool is_v4 = incident.client.family() == Family::ipv4;
      name = Prefix::covering(incident.client, is_v4 ? arguments.ipv4_prefix : arguments.ipv6_prefix).to_string();
    }
    Group& group = groups[name];
    if (group.incidents++ == 0) group.name = name;
    if (counting_of(incident, policy.any_reverse_path) == Counting::counted) ++group.counted;
    group.senders.try_emplace(senders.of(sender), sender);
    group.traps.insert(traps.of(incident.trap));
    group.campaigns.insert(campaigns.of(incident.campaign));
    group.kinds |= code_for(incident.kind);
    group.last_seen = std::max(group.last_seen, incident.received_at);
  });
  if (!visited) return std::unexpected(visited.error());
  std::vector<Group> sorted;
  sorted.reserve(groups.size());
  for (auto& [name, group] : groups) sorted.push_back(std::move(group));
  std::ranges::sort(sorted, [](const Group& a, const Group& b) {
    return std::tuple(b.counted, b.incidents, b.senders.size(), b.last_seen, a.name) <
           std::tuple(a.counted, a.incidents, a.senders.size(), a.last_seen, b.name);
  });
  sorted.resize(std::min(sorted.size(), arguments.most));
  return sorted;
}

}  // namespace

int top(Context& context, const TopArguments& arguments) {
  const auto span = parse_duration(arguments.since);
  if (!span || *span <= Duration{0}) {
    return context.complain(
        fmt::format("--since {}: {}", arguments.since, span ? "must be longer than nothing" : span.error().text),
        kWrongUse);
  }
  const auto config = context.config();
  if (!config) return context.failure;
  auto store = schema::Store::open(config->database, schema::Store::Mode::read);
  if (!store) return context.complain(store.error());
  const auto groups = greatest(*store, arguments, context.world.now - *span, config->policy);
  if (!groups) return context.complain(groups.error());
  std::vector<Prefix> senders;
  for (const auto& group : *groups) {
    for (const auto& [number, sender] : group.senders) senders.push_back(sender);
  }
  const auto listed = which_are_listed(*store, senders, context.world.now);
  if (!listed) return context.complain(listed.error());
  const auto is_listed = [&](const Prefix& sender) {
    const auto at = std::ranges::lower_bound(senders, sender);
    return static_cast<bool>((*listed)[static_cast<std::size_t>(at - senders.begin())]);
  };

  const bool by_sender = arguments.by == "sender";
  std::vector<std::string> columns{arguments.by, "incidents", "counted"};
  if (!by_sender) columns.emplace_back("senders");
  columns.insert(columns.end(), {"listed", "traps"});
  if (arguments.by != "campaign") columns.emplace_back("campaigns");
  columns.insert(columns.end(), {"kinds", "last_seen"});
  Table table(columns);
  for (const auto& group : *groups) {
    const auto count = static_cast<std::uint64_t>(
        std::ranges::count_if(group.senders, [&](const auto& sender) { return is_listed(sender.second); }));
    std::vector<Cell> row{Cell(group.name), Cell(group.incidents), Cell(group.counted)};
    if (!by_sender) row.emplace_back(std::uint64_t{group.senders.size()});
    if (by_sender) {
      row.emplace_back(count > 0);
    } else {
      row.emplace_back(count);
    }
    row.emplace_back(std::uint64_t{group.traps.size()});
    if (arguments.by != "campaign") row.emplace_back(std::uint64_t{group.campaigns.size()});
    row.emplace_back(names_of(group.kinds));
    row.emplace_back(group.last_seen);
    table.add(std::move(row));
  }
  context.print(table);
  return kYes;
}

}  // namespace blowback::cli
