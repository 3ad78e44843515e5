// Adding up.
#include "account.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>
#include <set>
#include <utility>

namespace blowback::cli {
namespace {

constexpr std::size_t kMostBygone = 5;
/// Amounts are told in hundredths: less than half of one is nothing.
constexpr double kRounding = 0.005;

/// One group of incidents while it is counted.
struct Seen {
  Observation observation;
  std::set<std::string> traps;
  std::set<std::string> campaigns;
};

[[nodiscard]] std::vector<Observation> observations(const std::vector<Incident>& newest_first) {
  std::map<std::pair<Kind, Cause>, Seen> seen;
  for (const auto& incident : newest_first) {
    auto& group = seen[{incident.kind, incident.cause}];
    auto& observation = group.observation;
    if (observation.incidents++ == 0) {
      observation.kind = incident.kind;
      observation.cause = incident.cause;
      observation.last = incident.received_at;
    }
    observation.first = incident.received_at;
    observation.claims_trap += incident.claims_trap ? 1 : 0;
    observation.could_have_known += incident.could_have_known ? 1 : 0;
    if (observation.product.empty()) observation.product = incident.product;
    group.traps.insert(incident.trap);
    group.campaigns.insert(incident.campaign);
  }
  std::vector<Observation> result;
  for (auto& [key, group] : seen) {
    group.observation.traps = group.traps.size();
    group.observation.campaigns = group.campaigns.size();
    result.push_back(std::move(group.observation));
  }
  std::ranges::stable_sort(result, std::ranges::greater{}, &Observation::incidents);
  return result;
}

/// The automatic listings that the journal saw begin and end.
[[nodiscard]] std::vector<Bygone> bygones(const std::vector<ListingChange>& newest_first, UnixTime now) {
  std::vector<Bygone> result;
  std::optional<UnixTime> from;
  std::optional<UnixTime> ends;
  const auto close = [&](UnixTime to, bool by_operator) {
    if (from) result.push_back({.from = *from, .to = to, .by_operator = by_operator});
    from.reset();
  };
  for (const auto& change : std::views::reverse(newest_first)) {
    if (change.source != Source::automatic) continue;
    switch (change.action) {
      case ListingChange::Action::listed:
        // Listed again before anybody swept up: the one before had run out by itself.
        if (from && ends) close(*ends, false);
        from = change.at;
        ends = change.expires_at;
        break;
      case ListingChange::Action::prolonged:
        ends = change.expires_at;
        break;
      case ListingChange::Action::delisted:
        close(change.at, true);
        break;
      case ListingChange::Action::expired:
        close(ends.value_or(change.at), false);
        break;
      case ListingChange::Action::exempted:
      case ListingChange::Action::exemption_ended:
        break;
    }
  }
  if (from && ends && *ends <= now) close(*ends, false);
  std::ranges::reverse(result);
  if (result.size() > kMostBygone) result.resize(kMostBygone);
  return result;
}

[[nodiscard]] int lately(const std::vector<schema::Part>& parts, UnixTime since) {
  return static_cast<int>(std::ranges::count_if(parts, [&](const auto& part) { return part.last_at > since; }));
}

}  // namespace

Account account_of(const schema::Dossier& dossier, const Policy& policy, UnixTime now, std::size_t most_terms) {
  Account account;
  account.sender = dossier.sender;
  account.incidents_in_all = dossier.incidents_in_all;
  account.incidents_read = dossier.incidents.size();
  for (const auto& listing : dossier.listings) {
    if (listing.in_force(now)) account.in_force.push_back(listing);
  }
  for (const auto& exemption : dossier.exemptions) {
    if (exemption.in_force(now)) account.exempt.push_back(exemption);
  }
  account.bygone = bygones(dossier.history, now);
  account.seen = observations(dossier.incidents);
  if (!dossier.standing) return account;

  account.score = faded(dossier.standing->score, now, policy.half_life);
  account.afresh_since = dossier.standing->afresh_since;
  account.times_listed = dossier.standing->times_listed;
  account.traps = lately(dossier.witnesses, now - policy.memory());
  account.campaigns = lately(dossier.campaigns, now - policy.memory());
  const auto counts = [&](const Incident& incident) {
    return !account.afresh_since || incident.received_at > *account.afresh_since;
  };
  double told = 0;
  std::uint64_t counted = 0;
  for (const auto& incident : dossier.incidents) {
    if (!counts(incident)) continue;
    ++counted;
    if (incident.credit < kRounding) {
      ++account.added_nothing;
      continue;
    }
    if (account.terms.size() == most_terms) continue;
    const double left = faded({.amount = incident.credit, .at = incident.received_at}, now, policy.half_life);
    account.terms.push_back({.at = incident.received_at,
                             .kind = incident.kind,
                             .cause = incident.cause,
                             .weight = policy.weight_of(incident.kind) * incident.confidence,
                             .credit = incident.credit,
                             .left = left});
    told += left;
  }
  // The sum is what is stored; whatever the terms don't say is older (or was reckoned under another half-life).
  account.older = account.score - told;
  const bool all_read = dossier.incidents.size() == dossier.incidents_in_all;
  account.older_incidents =
      (all_read ? counted : dossier.incidents_in_all) - account.terms.size() - account.added_nothing;
  return account;
}

bool is_cut(const Term& term) { return term.credit < term.weight - kRounding; }

std::vector<std::int64_t> in_hundredths(const Account& account) {
  // Each is the difference of two rounded running sums, so no rounding is lost: they add up to the rounded total.
  std::vector<std::int64_t> parts;
  double sum = 0;
  std::int64_t before = 0;
  for (const auto& term : account.terms) {
    sum += term.left;
    const std::int64_t rounded = std::llround(sum * 100);
    parts.push_back(rounded - before);
    before = rounded;
  }
  parts.push_back(std::llround(account.score * 100) - before);
  return parts;
}

}  // namespace blowback::cli
