// Everything is computed as of the later of the incident and the standing, so that a backlog that is read out of order gives the same sum.
#include "score/assess.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace blowback::score {
namespace {

/// A sender that was quiet for `Policy::memory()` and whose score has faded to less than this share of `list_at` starts with a clean record,
/// without repeat offences. With the first condition alone, senders that the operator delisted would stay on probation.
constexpr double kForgottenShare = 0.01;

/// An incident that could add less than this share of its weight adds nothing: neither a witness, nor time, nor a code. So an origin that has
/// reached its cap can't gain a second witness, and a listing isn't prolonged by seconds.
constexpr double kLeastShare = 0.05;

/// The shortest listing, for a `delist_below` close to `list_at`.
constexpr Duration kShortestListing = std::chrono::hours{1};

[[nodiscard]] double fading(Duration elapsed, Duration half_life) {
  return std::exp2(-static_cast<double>(elapsed.count()) / static_cast<double>(half_life.count()));
}

[[nodiscard]] bool may_be_listed(const IpAddress& client, const Policy& policy) {
  switch (use_of(client)) {
    case AddressUse::ordinary:
      return true;
    case AddressUse::documentation:
      return policy.allow_documentation;
    case AddressUse::special:
      return false;
  }
  return false;
}

/// How long a listing lasts from `score.at` on, without further incidents.
[[nodiscard]] Duration listing_lasts(const FadingSum& score, int times_listed, const Policy& policy) {
  const auto until_faded = static_cast<double>((fades_out_at(score, policy) - score.at).count());
  const double repeated = until_faded * std::pow(policy.repeat_factor, std::max(0, times_listed - 1));
  const auto most = static_cast<double>(policy.max_listing.count());
  const Duration lasts{static_cast<std::int64_t>(std::min(repeated, most))};
  return std::min(std::max(lasts, kShortestListing), policy.max_listing);
}

/// The end of a listing that should last so long from `as_of` on: the next step, an eighth of the duration apart or less; if that is too late,
/// the last of finer steps before it.
[[nodiscard]] UnixTime in_steps(UnixTime as_of, Duration lasts, const Policy& policy) {
  const auto step = static_cast<std::int64_t>(
      std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(lasts.count() / 8, 8))));
  const auto down = [](UnixTime time, std::int64_t by) {
    const auto count = time.time_since_epoch().count();
    return UnixTime{Duration{count - count % by}};
  };
  const UnixTime up = down(as_of + lasts + Duration{step - 1}, step);
  const UnixTime latest = as_of + policy.max_listing;
  return up <= latest ? up : down(latest, step / 8);
}

}  // namespace

double weight_of(const Policy& policy, const Accusation& accusation) {
  if (counting_of(accusation, policy.any_reverse_path) != Counting::counted) return 0;
  const double weight = policy.weight_of(accusation.kind) * accusation.confidence;
  return accusation.names_origin ? weight : weight * policy.unknown_origin;
}

bool reaches(double score, double threshold) { return std::round(score * 10) >= std::round(threshold * 10); }

UnixTime fades_out_at(const FadingSum& score, const Policy& policy) {
  if (score.amount <= policy.delist_below) return score.at;
  const double half_lives = std::log2(score.amount / policy.delist_below);
  return score.at + Duration{static_cast<std::int64_t>(half_lives * static_cast<double>(policy.half_life.count()))};
}

Assessment assess(const Policy& policy, const Accusation& accusation, const Ledger& ledger) {
  Assessment result{.credit = 0,
                    .standing = ledger.standing,
                    .by_witness = ledger.by_witness,
                    .by_campaign = ledger.by_campaign,
                    .by_kind = ledger.by_kind,
                    .by_origin = ledger.by_origin,
                    .by_mailbox = ledger.by_mailbox,
                    .listing = std::nullopt};
  Standing& standing = result.standing;
  if (standing.afresh_since && accusation.received_at <= *standing.afresh_since) return result;
  const double weight = weight_of(policy, accusation);
  // An incident that doesn't count leaves the standing as it is.
  if (weight <= 0) return result;

  const UnixTime as_of = std::max(accusation.received_at, standing.score.at);
  const double left = fading(as_of - accusation.received_at, policy.half_life);  // of this incident, by then
  const auto stands = [&](const FadingSum& part) {
    return faded_part(part, as_of, policy.half_life, policy.parts_forgotten_after());
  };

  const double origin_cap = accusation.names_origin ? policy.origin_cap : policy.origin_cap * policy.unknown_origin;
  double room = std::min({policy.trap_cap - stands(ledger.by_witness), policy.campaign_cap - stands(ledger.by_campaign),
                          origin_cap - stands(ledger.by_origin)});
  if (accusation.keys.mailbox) room = std::min(room, policy.mailbox_cap - stands(ledger.by_mailbox));
  const double added = std::clamp(room, 0.0, weight * left);
  if (added < kLeastShare * weight * left) return result;
  result.credit = added == weight * left ? weight : added / left;

  const double before = faded(standing.score, as_of, policy.half_life);
  standing.score = {before + added, as_of};
  result.by_witness = {stands(ledger.by_witness) + added, as_of};
  result.by_campaign = {stands(ledger.by_campaign) + added, as_of};
  result.by_kind = {stands(ledger.by_kind) + added, as_of};
  result.by_origin = {stands(ledger.by_origin) + added, as_of};
  result.by_mailbox = {stands(ledger.by_mailbox) + added, as_of};

  if (ledger.exempt || !may_be_listed(accusation.client, policy)) {
    return result;
  }

  // By the standing, not by the listing's row: that is removed when it ends by the system's clock, and a backlog must give the same result
  // whenever it is read.
  const bool is_listed = standing.listed_until && as_of < *standing.listed_until;
  if (!is_listed) {
    const bool was_quiet = as_of - ledger.standing.score.at > policy.memory();
    if (was_quiet && before < kForgottenShare * policy.list_at) standing.times_listed = 0;
    const bool agreed =
        ledger.witnesses + 1 >= policy.distinct_traps && ledger.campaigns + 1 >= policy.distinct_campaigns;
    if (!agreed || !reaches(standing.score.amount, policy.list_at)) return result;
    ++standing.times_listed;
    standing.listed_at = as_of;
  }

  const UnixTime ends = in_steps(as_of, listing_lasts(standing.score, standing.times_listed, policy), policy);
  standing.listed_until = is_listed ? std::max(*standing.listed_until, ends) : ends;
  result.listing = Listing{.prefix = standing.sender,
                           .source = Source::automatic,
                           .codes = ledger.codes | code_for(accusation.kind),
                           .listed_at = standing.listed_at.value_or(as_of),
                           .expires_at = standing.listed_until,
                           .reason = {}};
  return result;
}

}  // namespace blowback::score
