// Who sends most: counted from incidents for recent times, and from daily totals for earlier ones, which are made when there is time.
//
// The totals of a day have the largest thousand networks, senders and campaigns, whatever strangers invent. A group that is among them for a part
// of the day only is counted too low, never too high.
#include "retention.h"
#include "totals.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace blowback::schema {
namespace {

/// Incidents that one slice adds to the totals, and the number that is worth a slice.
constexpr std::int64_t kSummedAtOnce = 10'000;
/// Up to this many incidents are counted individually by a query.
constexpr std::int64_t kMostCounted = 50'000;
constexpr std::size_t kGroupsPerDay = 1'000;
/// The lengths of networks in the totals; wider networks are sums of these.
constexpr int kNetworkV4 = 24;
constexpr int kNetworkV6 = 48;

using By = TopQuestion::By;

[[nodiscard]] Prefix network_of(const IpAddress& client, int ipv4_prefix, int ipv6_prefix) {
  return Prefix::covering(client, client.family() == Family::ipv4 ? ipv4_prefix : ipv6_prefix);
}

struct Sum {
  std::uint64_t incidents = 0;
  std::uint64_t counted = 0;
  CodeSet kinds;
  UnixTime last_at{};
  Distinct senders;
  Distinct traps;
  Distinct campaigns;

  void merge(const Sum& other) {
    incidents += other.incidents;
    counted += other.counted;
    kinds |= other.kinds;
    last_at = std::max(last_at, other.last_at);
    senders.merge(other.senders);
    traps.merge(other.traps);
    campaigns.merge(other.campaigns);
  }
};

/// The name of a group: the text of a network or sender, or the campaign.
using Sums = std::map<std::string, Sum>;

/// Ordered by counted incidents, then by all incidents.
[[nodiscard]] auto rank(const std::string& name, const Sum& sum) {
  return std::tuple(-static_cast<std::int64_t>(sum.counted), -static_cast<std::int64_t>(sum.incidents),
                    -static_cast<std::int64_t>(sum.senders.count()), -sum.last_at.time_since_epoch().count(), name);
}

[[nodiscard]] std::vector<Sums::const_iterator> greatest(const Sums& sums, std::size_t most) {
  std::vector<Sums::const_iterator> found;
  found.reserve(sums.size());
  for (auto at = sums.begin(); at != sums.end(); ++at) found.push_back(at);
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(most, found.size()));
  std::partial_sort(found.begin(), end, found.end(),
                    [](const auto& a, const auto& b) { return rank(a->first, a->second) < rank(b->first, b->second); });
  found.erase(end, found.end());
  return found;
}

[[nodiscard]] Sum sum_of(const Incident& incident, bool any_reverse_path) {
  Sum sum{.incidents = 1,
          .counted = counting_of(incident, any_reverse_path) == Counting::counted ? 1U : 0U,
          .kinds = code_for(incident.kind),
          .last_at = incident.received_at,
          .senders = {},
          .traps = {},
          .campaigns = {}};
  sum.senders.add(part_key(sender_of(incident.client).to_string()));
  sum.traps.add(part_key(incident.trap));
  sum.campaigns.add(part_key(incident.campaign));
  return sum;
}

/// Visits at most `most` incidents after `number` whose evidence is kept. Returns the last number.
template <typename Visit>
std::int64_t visit_evidence(const Connection& db, std::int64_t number, std::int64_t most, Visit visit) {
  Statement rows(
      db,
      "SELECT number, received_at, client, facts, trap, campaign FROM evidence WHERE number > ? ORDER BY number "
      "LIMIT ?");
  rows.bind(number, most);
  while (rows.step()) {
    Incident incident;
    number = rows.integer(0);
    incident.received_at = time_of(rows.integer(1));
    incident.client = address_of(rows, 2);
    read_facts(rows.integer(3), incident);
    incident.trap = rows.text(4);
    incident.campaign = rows.text(5);
    visit(incident);
  }
  return number;
}

class Days {
 public:
  explicit Days(Connection& db) : db_(db) {}

  void read(std::int64_t day, By by, Sums& sums) {
    read_.bind(day, static_cast<int>(by) + 1);
    while (read_.step()) {
      const auto key = read_.blob(0);
      sums[std::string(key.begin(), key.end())].merge(
          {.incidents = static_cast<std::uint64_t>(read_.integer(1)),
           .counted = static_cast<std::uint64_t>(read_.integer(2)),
           .kinds = CodeSet::from_bits(static_cast<std::uint32_t>(read_.integer(3))),
           .last_at = time_of(read_.integer(4)),
           .senders = Distinct(read_.blob(5)),
           .traps = Distinct(read_.blob(6)),
           .campaigns = Distinct(read_.blob(7))});
    }
  }

  /// Stores the largest of the stored and the added groups. Requires a transaction.
  void add(std::int64_t day, By by, const Sums& added) {
    Sums sums = added;
    Sums before;
    read(day, by, before);
    for (const auto& [name, sum] : before) sums[name].merge(sum);
    std::set<std::string_view> kept;
    for (const auto& at : greatest(sums, kGroupsPerDay)) {
      kept.insert(at->first);
      if (!added.contains(at->first)) continue;  // it stays as it is
      const Sum& sum = at->second;
      put_.bind(day, static_cast<int>(by) + 1, as_octets(at->first), sum.incidents, sum.counted, sum.kinds.bits(),
                seconds(sum.last_at), std::span<const std::uint8_t>(sum.senders.octets()),
                std::span<const std::uint8_t>(sum.traps.octets()),
                std::span<const std::uint8_t>(sum.campaigns.octets()))
          .run();
    }
    for (const auto& [name, sum] : before) {
      if (!kept.contains(name)) remove_.bind(day, static_cast<int>(by) + 1, as_octets(name)).run();
    }
  }

 private:
  [[nodiscard]] static std::span<const std::uint8_t> as_octets(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  Connection& db_;
  Statement read_{
      db_,
      "SELECT key, incidents, counted, kinds, last_at, senders, traps, campaigns FROM top_of_day WHERE day = ? "
      "AND dimension = ?"};
  Statement put_{db_,
                 "INSERT OR REPLACE INTO top_of_day (day, dimension, key, incidents, counted, kinds, last_at, senders, "
                 "traps, campaigns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
  Statement remove_{db_, "DELETE FROM top_of_day WHERE day = ? AND dimension = ? AND key = ?"};
};

/// Answers one query, in one state of the database.
class Answer {
 public:
  Answer(Store::Impl& impl, const TopQuestion& question, UnixTime now)
      : impl_(impl), db_(impl.db), question_(question), now_(now) {}

  [[nodiscard]] Top run() {
    Top top;
    const auto next = total(db_, "next_number").value_or(1);
    auto first = first_recorded_at(question_.since, next);
    // Totals are kept longer than the texts that they come from.
    const auto texts_since = total(db_, "evidence_since");
    const bool has_all_texts = !texts_since || time_of(*texts_since) <= question_.since;
    top.is_exact = has_all_texts && next - first <= kMostCounted;
    if (!top.is_exact) {
      first = total(db_, "rolled_up").value_or(0) + 1;
      sum_days();
    }
    visit_evidence(db_, first - 1, next, [&](const Incident& incident) {
      if (incident.received_at < question_.since) return;
      const std::string name = name_of(incident);
      sums_[name].merge(sum_of(incident, question_.any_reverse_path));
      if (top.is_exact) senders_[name].insert(sender_of(incident.client));
    });
    for (const auto& at : greatest(sums_, question_.most)) {
      const auto& [name, sum] = *at;
      top.groups.push_back({.name = name,
                            .incidents = sum.incidents,
                            .counted = sum.counted,
                            .senders = sum.senders.count(),
                            .traps = sum.traps.count(),
                            .campaigns = sum.campaigns.count(),
                            .listed = listed_of(name),
                            .kinds = sum.kinds,
                            .last_seen = sum.last_at});
    }
    return top;
  }

 private:
  /// The number of the first incident that was recorded at `time` or later; numbers are in the order of recording.
  [[nodiscard]] std::int64_t first_recorded_at(UnixTime time, std::int64_t next) {
    std::int64_t low = 1;
    std::int64_t high = next;
    Statement at(db_, "SELECT number, recorded_at FROM evidence WHERE number >= ? ORDER BY number LIMIT 1");
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      const auto found =
          at.bind(middle).first([](const Statement& row) { return std::pair(row.integer(0), row.integer(1)); });
      if (!found || found->second >= seconds(time)) {
        high = middle;
      } else {
        low = found->first + 1;
      }
    }
    return low;
  }

  [[nodiscard]] std::string name_of(const Incident& incident) const {
    switch (question_.by) {
      case By::network:
        return network_of(incident.client, question_.ipv4_prefix, question_.ipv6_prefix).to_string();
      case By::sender:
        return sender_of(incident.client).to_string();
      case By::campaign:
        break;
    }
    return incident.campaign;
  }

  void sum_days() {
    // Networks that are narrower than those in the totals are computed from senders.
    const bool is_narrow = question_.ipv4_prefix > kNetworkV4 || question_.ipv6_prefix > kNetworkV6;
    const By by = question_.by == By::network && is_narrow ? By::sender : question_.by;
    Statement days(db_, "SELECT DISTINCT day FROM top_of_day WHERE day >= ? ORDER BY day");
    days.bind(day_of(question_.since));
    Days sums(db_);
    while (days.step()) {
      Sums of_day;
      sums.read(days.integer(0), by, of_day);
      for (const auto& [name, sum] : of_day) {
        if (question_.by != By::network) {
          sums_[name].merge(sum);
        } else if (const auto prefix = Prefix::parse(name)) {
          sums_[network_of(prefix->first(), question_.ipv4_prefix, question_.ipv6_prefix).to_string()].merge(sum);
        }
      }
    }
  }

  /// For a group that was counted from incidents its listed senders; otherwise whether the sender is listed, or the listings in the network.
  [[nodiscard]] std::uint64_t listed_of(const std::string& name) {
    if (const auto senders = senders_.find(name); senders != senders_.end()) {
      return static_cast<std::uint64_t>(
          std::ranges::count_if(senders->second, [&](const Prefix& sender) { return is_listed(sender); }));
    }
    const auto prefix = Prefix::parse(name);
    if (!prefix || question_.by == By::campaign) return 0;
    if (question_.by == By::sender) return is_listed(*prefix) ? 1 : 0;
    const auto range = keys_of(*prefix);
    return Statement(
               db_,
               "SELECT count(*) FROM listing WHERE first BETWEEN ? AND ? AND source = 0 AND (expires_at IS NULL OR "
               "expires_at > ?)")
        .bind(range.first, range.last, seconds(now_))
        .first([](const Statement& row) { return static_cast<std::uint64_t>(row.integer(0)); })
        .value_or(0);
  }

  [[nodiscard]] bool is_listed(const Prefix& sender) {
    if (exempt_.covers(sender, now_)) return false;
    if (stands(sender)) return true;
    const Prefix network = network_of(sender.first(), kNetworkV4, kNetworkV6);
    const auto [known, is_new] = wider_.try_emplace(network, false);
    for (int length = 0; is_new && length <= network.length() && !known->second; ++length) {
      known->second = stands(Prefix::covering(sender.first(), length));
    }
    if (known->second) return true;
    for (int length = network.length() + 1; length < sender.length(); ++length) {
      if (stands(Prefix::covering(sender.first(), length))) return true;
    }
    return false;
  }
  [[nodiscard]] bool stands(const Prefix& prefix) {
    return listing_.bind(prefix.first().octets(), prefix.length(), seconds(now_))
        .first([](const Statement&) { return true; })
        .has_value();
  }

  Store::Impl& impl_;
  Connection& db_;
  const TopQuestion& question_;
  UnixTime now_;
  Sums sums_;
  std::map<std::string, std::set<Prefix>> senders_;
  std::map<Prefix, bool> wider_;  ///< whether a listing covers the network
  ExemptionSet exempt_ = impl_.exemption_set(now_);
  Statement listing_{db_,
                     "SELECT 1 FROM listing WHERE first = ? AND length = ? AND (expires_at IS NULL OR expires_at > ?)"};
};

}  // namespace

std::uint64_t summarize_slice(Store::Impl& impl, bool any_reverse_path, bool waits) {
  Connection& db = impl.db;
  const auto done = total(db, "rolled_up").value_or(0);
  const auto not_done = total(db, "next_number").value_or(1) - 1 - done;
  if (not_done <= 0 || (waits && not_done < kSummedAtOnce)) return 0;
  Transaction transaction(db);
  std::map<std::pair<std::int64_t, By>, Sums> days;
  std::uint64_t summed = 0;
  const auto last = visit_evidence(db, done, kSummedAtOnce, [&](const Incident& incident) {
    ++summed;
    const auto day = day_of(incident.received_at);
    const Sum sum = sum_of(incident, any_reverse_path);
    days[{day, By::network}][network_of(incident.client, kNetworkV4, kNetworkV6).to_string()].merge(sum);
    days[{day, By::sender}][sender_of(incident.client).to_string()].merge(sum);
    days[{day, By::campaign}][incident.campaign].merge(sum);
  });
  Days sums(db);
  for (const auto& [key, of_day] : days) sums.add(key.first, key.second, of_day);
  // Nothing is left: what was recorded has expired before it was added to the totals.
  set_total(db, "rolled_up", summed == 0 ? total(db, "next_number").value_or(1) - 1 : last);
  transaction.commit();
  return summed;
}

Result<Top> Store::top(const TopQuestion& question, UnixTime now) {
  return attempt(impl_->path, [&] {
    const ReadTransaction one_state(impl_->db);
    return Answer(*impl_, question, now).run();
  });
}

}  // namespace blowback::schema
