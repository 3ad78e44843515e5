#include "account/account.h"

#include "account/advice.h"
#include "score/assess.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <expected>
#include <map>
#include <numeric>
#include <ranges>
#include <set>
#include <string_view>
#include <utility>

namespace blowback::account {
namespace {

constexpr std::size_t kMostBygone = 5;
constexpr std::size_t kMostClients = 3;
/// If a cap left less room than the weight by more than this, it cut the credit; smaller differences are rounding.
constexpr double kRounding = 1e-6;

[[nodiscard]] UnixTime hour_of(UnixTime time) { return std::chrono::floor<std::chrono::hours>(time); }

/// Whether an incident counts. One that added to the score did, even if it wouldn't under the current policy.
[[nodiscard]] Counting counting_now(const Incident& incident, const Policy& policy) {
  return incident.credit > 0 ? Counting::counted : counting_of(incident, policy.any_reverse_path);
}

[[nodiscard]] double weight_of(const Policy& policy, const Incident& incident) {
  return score::weight_of(policy, accusation_of(incident));
}

/// The incidents of one kind and cause, while they are counted.
struct Seen {
  Observation observation;
  std::map<Counting, std::uint64_t> uncounted;
  // The keys that the scorer uses, which stay the same when the evidence expires.
  std::set<PartKey> witnesses;
  std::set<PartKey> campaigns;
  std::set<PartKey> origins;
};

void count(Seen& group, const Incident& incident, bool is_forgiven) {
  auto& observation = group.observation;
  ++observation.counted;
  observation.forgiven += is_forgiven ? 1 : 0;
  observation.claims_trap += incident.claims_trap ? 1 : 0;
  observation.could_have_known += incident.could_have_known ? 1 : 0;
  const Accusation accusation = accusation_of(incident);
  group.witnesses.insert(accusation.keys.witness);
  group.campaigns.insert(accusation.keys.campaign);
  if (accusation.names_origin) {
    group.origins.insert(accusation.keys.origin);
  } else {
    ++observation.unknown_origin;
  }
}

[[nodiscard]] Observation finished(Seen group) {
  auto& observation = group.observation;
  observation.witnesses = group.witnesses.size();
  observation.campaigns = group.campaigns.size();
  observation.origins = group.origins.size();
  observation.uncounted.assign(group.uncounted.begin(), group.uncounted.end());
  std::ranges::stable_sort(observation.uncounted, std::ranges::greater{}, &std::pair<Counting, std::uint64_t>::second);
  return std::move(observation);
}

/// When one listing began and ended, by the journal.
class Spans {
 public:
  void take(const ListingChange& change) {
    if (from_ && ends_ && *ends_ <= change.at) close(*ends_, false);
    switch (change.action) {
      case ListingChange::Action::listed:
      case ListingChange::Action::prolonged:
        // A replaced listing goes on. One that was prolonged after its end was off the list in between.
        if (!from_) from_ = change.at;
        ends_ = change.expires_at;
        break;
      case ListingChange::Action::delisted:
        close(change.at, true);
        break;
      case ListingChange::Action::expired:
        close(change.at, false);
        break;
      case ListingChange::Action::exempted:
      case ListingChange::Action::exemption_ended:
        break;
    }
    prefix_ = change.prefix;
    source_ = change.source;
  }

  /// The beginning of the time without a gap for which it has been listed; absent if it isn't listed now.
  [[nodiscard]] std::optional<UnixTime> since() const { return from_; }

  [[nodiscard]] std::vector<Bygone> bygone(UnixTime now) {
    if (from_ && ends_ && *ends_ <= now) close(*ends_, false);
    return bygone_;
  }

 private:
  void close(UnixTime to, bool by_operator) {
    // A listing that had ended when it was recorded was never on the list.
    if (from_ && (by_operator || *from_ < to)) {
      bygone_.push_back({.prefix = prefix_, .source = source_, .from = *from_, .to = to, .by_operator = by_operator});
    }
    from_.reset();
  }

  Prefix prefix_;
  Source source_ = Source::automatic;
  std::optional<UnixTime> from_;
  std::optional<UnixTime> ends_;
  std::vector<Bygone> bygone_;
};

void read_journal(Account& account, const std::vector<ListingChange>& newest_first, UnixTime now) {
  std::map<std::pair<Prefix, Source>, Spans> spans;
  for (const auto& change : std::views::reverse(newest_first)) spans[{change.prefix, change.source}].take(change);
  for (auto& listing : account.in_force) {
    const auto found = spans.find({listing.prefix, listing.source});
    if (found != spans.end()) listing.listed_at = found->second.since().value_or(listing.listed_at);
  }
  for (auto& [key, span] : spans) {
    for (const auto& one : span.bygone(now)) account.bygone.push_back(one);
  }
  std::ranges::stable_sort(account.bygone, std::ranges::greater{}, &Bygone::from);
  if (account.bygone.size() > kMostBygone) account.bygone.resize(kMostBygone);
}

[[nodiscard]] int lately(const std::vector<schema::Part>& parts, UnixTime since) {
  return static_cast<int>(std::ranges::count_if(parts, [&](const auto& part) { return part.last_at > since; }));
}

/// Finds out which cap cut the credit of an incident. That isn't recorded, but follows from the credits of earlier incidents, which
/// tell how much room each cap had left. Incidents must be given in the order in which they were scored.
class Caps {
 public:
  explicit Caps(const Policy& policy) : policy_(policy) {}

  struct Found {
    Cut by = Cut::none;
    double off = 0;  ///< how far the credit is from the room that the caps left
  };

  [[nodiscard]] Found take(const Accusation& accusation, double credit) {
    const double weight = score::weight_of(policy_, accusation);
    // As the scorer does: an incident that arrives late is scored at the time of the latest one before it, and has faded by then.
    const UnixTime as_of = std::max(accusation.received_at, latest_);
    const auto by_then = [&](double amount) {
      return faded({.amount = amount, .at = accusation.received_at}, as_of, policy_.half_life);
    };
    if (credit > 0) latest_ = as_of;
    const double origin_cap = policy_.origin_cap * (accusation.names_origin ? 1 : policy_.unknown_origin);
    const std::array<Dimension, 4> dimensions{{{Cut::witness, accusation.keys.witness, policy_.trap_cap},
                                               {Cut::campaign, accusation.keys.campaign, policy_.campaign_cap},
                                               {Cut::origin, accusation.keys.origin, origin_cap},
                                               {Cut::mailbox, accusation.keys.mailbox, policy_.mailbox_cap}}};
    Cut by = Cut::unknown;
    double room = by_then(weight);
    for (const auto& [cut, key, cap] : dimensions) {
      if (!key) continue;
      FadingSum& sum = sums_[{cut, *key}];
      const double stands = faded_part(sum, as_of, policy_.half_life, policy_.parts_forgotten_after());
      if (credit > 0) sum = {.amount = stands + by_then(credit), .at = as_of};
      if (cap - stands >= room - kRounding) continue;
      room = std::max(cap - stands, 0.0);
      by = cut;
    }
    return {.by = in_hundredths(credit) < in_hundredths(weight) ? by : Cut::none,
            .off = std::abs(room - by_then(credit))};
  }

 private:
  struct Dimension {
    Cut cut;
    std::optional<PartKey> key;
    double cap;
  };

  const Policy& policy_;
  UnixTime latest_ = UnixTime::min();
  std::map<std::pair<Cut, PartKey>, FadingSum> sums_;
};

/// What cut each incident, in the order of the dossier. Incidents are scored in the order in which they are recorded, but after an
/// undo in the order in which they were received. The order that explains the credits better is used.
[[nodiscard]] std::vector<Cut> cuts_of(const std::vector<Incident>& newest_first, const Policy& policy,
                                       const auto& stands) {
  std::vector<std::size_t> order;
  for (std::size_t i = newest_first.size(); i-- > 0;) {
    if (stands(newest_first[i])) order.push_back(i);
  }
  const auto found_in_order = [&] {
    Caps caps(policy);
    std::vector<Caps::Found> found(newest_first.size());
    for (const auto i : order) found[i] = caps.take(accusation_of(newest_first[i]), newest_first[i].credit);
    return found;
  };
  const auto as_received = found_in_order();
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return newest_first[i].number; });
  const auto as_recorded = found_in_order();
  std::vector<Cut> cuts;
  cuts.reserve(newest_first.size());
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    cuts.push_back((as_received[i].off < as_recorded[i].off ? as_received : as_recorded)[i].by);
  }
  return cuts;
}

/// Why a sender isn't listed although its score, traps and mailings suffice.
[[nodiscard]] Unlisted why_unlisted(const Account& account, const schema::Dossier& dossier, const Policy& policy) {
  const bool is_enough = score::reaches(account.score, policy.list_at) && account.witnesses >= policy.distinct_traps &&
                         account.campaigns >= policy.distinct_campaigns;
  const bool has_automatic =
      std::ranges::find(account.in_force, Source::automatic, &Listing::source) != account.in_force.end();
  if (!is_enough || has_automatic || !account.exempt.empty()) return Unlisted::none;
  const auto use = use_of(dossier.sender.first());
  if (use == AddressUse::special || (use == AddressUse::documentation && !policy.allow_documentation)) {
    return Unlisted::special_use;
  }
  // Newest first: an exemption that ended before the last listing is not the reason.
  for (const auto& change : dossier.history) {
    using enum ListingChange::Action;
    if (change.action == exempted || change.action == exemption_ended) return Unlisted::was_exempt;
    if (change.action == listed && change.source == Source::automatic) break;
  }
  return Unlisted::no_incident_since;
}

void name_clients(Account& account, const std::vector<Incident>& newest_first, const Policy& policy) {
  std::vector<IpAddress> clients;
  const auto gather = [&](bool any) {
    std::set<IpAddress> known;
    for (const auto& incident : newest_first) {
      if (!any && counting_now(incident, policy) != Counting::counted) continue;
      if (known.insert(incident.client).second) clients.push_back(incident.client);
    }
  };
  gather(false);
  if (clients.empty()) gather(true);
  account.asked_was_seen = std::ranges::find(newest_first, account.asked, &Incident::client) != newest_first.end();
  const auto named = std::min(clients.size(), kMostClients);
  account.more_clients = clients.size() - named;
  clients.resize(named);
  account.clients = std::move(clients);
}

void observe(Account& account, const std::vector<Incident>& newest_first, const Policy& policy,
             const auto& is_forgiven) {
  std::map<std::pair<Kind, Cause>, Seen> seen;
  for (const auto& incident : newest_first) {
    auto& group = seen[{incident.kind, incident.cause}];
    auto& observation = group.observation;
    if (observation.incidents++ == 0) {
      observation.kind = incident.kind;
      observation.cause = incident.cause;
      observation.last = hour_of(incident.received_at);
    }
    observation.first = hour_of(incident.received_at);
    if (observation.product.empty() && !product_name(incident.product).empty()) observation.product = incident.product;
    const Counting counting = counting_now(incident, policy);
    if (counting == Counting::counted) {
      count(group, incident, is_forgiven(incident));
      ++account.counted;
    } else {
      ++group.uncounted[counting];
    }
  }
  for (auto& [key, group] : seen) account.seen.push_back(finished(std::move(group)));
  std::ranges::stable_sort(account.seen, std::ranges::greater{}, &Observation::incidents);
}

}  // namespace

std::string_view name_of(Cut cut) {
  static constexpr std::array<std::string_view, 6> kNames{"none", "trap", "mailing", "origin", "mailbox", "unknown"};
  return kNames[static_cast<std::size_t>(cut)];
}

std::string_view name_of(Unlisted reason) {
  static constexpr std::array<std::string_view, 4> kNames{"none", "was-exempt", "special-use", "no-incident-since"};
  return kNames[static_cast<std::size_t>(reason)];
}

Account account_of(const schema::Dossier& dossier, const Policy& policy, UnixTime now, std::size_t most_terms) {
  Account account;
  account.asked = dossier.asked;
  account.sender = dossier.sender;
  account.serial = dossier.serial;
  account.incidents_in_all = dossier.incidents_in_all;
  account.incidents_read = dossier.incidents.size();
  account.incidents_since = dossier.incidents_since;
  account.evidence_since = dossier.evidence_since;
  account.texts_expired =
      static_cast<std::uint64_t>(std::ranges::count(dossier.incidents, false, &Incident::evidence_kept));
  account.is_converting = dossier.is_converting;
  for (const auto& listing : dossier.listings) {
    if (listing.in_force(now)) account.in_force.push_back(listing);
  }
  for (const auto& exemption : dossier.exemptions) {
    if (exemption.in_force(now)) account.exempt.push_back(exemption);
  }
  read_journal(account, dossier.history, now);
  if (dossier.standing) account.afresh_since = dossier.standing->afresh_since;
  const auto is_forgiven = [&](const Incident& incident) {
    return account.afresh_since && incident.received_at <= *account.afresh_since;
  };
  observe(account, dossier.incidents, policy, is_forgiven);
  name_clients(account, dossier.incidents, policy);
  if (!dossier.standing) return account;

  account.score = faded(dossier.standing->score, now, policy.half_life);
  account.times_listed = dossier.standing->times_listed;
  const UnixTime since = now - policy.memory();
  account.witnesses = lately(dossier.witnesses, since);
  account.campaigns = lately(dossier.campaigns, since);
  account.unlisted = why_unlisted(account, dossier, policy);
  account.origins = static_cast<int>(std::ranges::count_if(
      dossier.origins, [&](const auto& part) { return part.last_at > since && !part.label.starts_with("unknown:"); }));

  const auto stands = [&](const Incident& incident) {
    return !is_forgiven(incident) && counting_now(incident, policy) == Counting::counted;
  };
  const auto cuts = cuts_of(dossier.incidents, policy, stands);
  std::map<Cut, std::uint64_t> how_many;
  double told = 0;
  std::uint64_t counted = 0;
  for (std::size_t i = 0; i < dossier.incidents.size(); ++i) {
    const auto& incident = dossier.incidents[i];
    if (!stands(incident)) continue;
    ++counted;
    if (cuts[i] != Cut::none) ++how_many[cuts[i]];
    if (in_hundredths(incident.credit) == 0) {
      ++account.added_nothing;
      continue;
    }
    if (account.terms.size() == most_terms) continue;
    const double left = faded({.amount = incident.credit, .at = incident.received_at}, now, policy.half_life);
    account.terms.push_back({.hour = hour_of(incident.received_at),
                             .kind = incident.kind,
                             .cause = incident.cause,
                             .unknown_origin = incident.origin.empty(),
                             .weight = weight_of(policy, incident),
                             .credit = incident.credit,
                             .left = left,
                             .cut = cuts[i]});
    told += left;
  }
  account.cuts.assign(how_many.begin(), how_many.end());
  // The stored score is the sum. What isn't in the terms is older (or was scored with another half-life).
  account.older = account.score - told;
  account.older_incidents =
      counted - account.terms.size() - account.added_nothing + (dossier.incidents_in_all - dossier.incidents.size());
  return account;
}

bool Account::ended_by_exemption() const {
  const auto latest = std::ranges::find(bygone, Source::automatic, &Bygone::source);
  return latest != bygone.end() && latest->by_operator && (!afresh_since || *afresh_since < latest->to);
}

bool Account::is_one_mailing() const {
  if (seen.size() != 1 || incidents_read != incidents_in_all || incidents_in_all <= 2) return false;
  const auto& all = seen.front();
  return all.counted == all.incidents && all.campaigns == 1 && all.witnesses > 1;
}

std::int64_t in_hundredths(double amount) { return std::llround(amount * 100); }

std::vector<std::int64_t> in_hundredths(const Account& account) {
  std::vector<double> exact;
  exact.reserve(account.terms.size() + 1);
  for (const auto& term : account.terms) exact.push_back(term.left * 100);
  exact.push_back(account.older * 100);
  std::vector<std::int64_t> parts;
  parts.reserve(exact.size());
  for (const double amount : exact) parts.push_back(static_cast<std::int64_t>(std::floor(amount)));
  // All are rounded down. The rest of the rounded score goes to those that lost most; among equals to the newest.
  std::vector<std::size_t> by_loss(exact.size());
  for (std::size_t i = 0; i < by_loss.size(); ++i) by_loss[i] = i;
  std::ranges::stable_sort(by_loss, std::ranges::greater{},
                           [&](std::size_t i) { return exact[i] - std::floor(exact[i]); });
  const auto total = std::reduce(parts.begin(), parts.end(), std::int64_t{0});
  const auto missing = std::min(in_hundredths(account.score) - total, static_cast<std::int64_t>(parts.size()));
  for (std::int64_t i = 0; i < missing; ++i) ++parts[by_loss[static_cast<std::size_t>(i)]];
  return parts;
}

schema::Result<Account> read_account(schema::Store& store, const IpAddress& address, std::size_t most_incidents,
                                     const Policy& policy, const RemovalRules& rules, UnixTime now) {
  const auto dossier = store.dossier(address, most_incidents, now);
  if (!dossier) return std::unexpected(dossier.error());
  auto removals = removals_of(store, address, rules, now);
  if (!removals) return std::unexpected(std::move(removals).error());
  auto account = account_of(*dossier, policy, now, kMostTerms);
  account.removals = *std::move(removals);
  return account;
}

}  // namespace blowback::account
