// Keeps a sender's tables in memory, as far as scoring uses them.
//
// Parts are sorted by their last change, newest first, since the only question about all of them is how many were changed recently. So the
// cost of an incident doesn't depend on the number of campaigns.
#include "score/replay.h"

#include "blowback/exemption_set.h"
#include "score/assess.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <list>
#include <ranges>
#include <unordered_map>
#include <utility>

namespace blowback::score {
namespace {

/// The standing of each witness, or of each campaign, origin or mailbox.
class Parts {
 public:
  explicit Parts(std::vector<StandingPart> parts) {
    std::ranges::sort(parts, {}, &StandingPart::last_at);
    for (auto& part : parts) {
      latest_first_.push_front(std::move(part));
      by_key_[latest_first_.front().key] = latest_first_.begin();
    }
  }

  [[nodiscard]] FadingSum sum(PartKey key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? FadingSum{} : found->second->sum;
  }
  /// How many others than `key` were changed after `since`, counted up to `most`.
  [[nodiscard]] int others(PartKey key, UnixTime since, int most) const {
    int count = 0;
    for (const auto& part : latest_first_) {
      if (part.last_at <= since || count >= most) break;
      if (part.key != key) ++count;
    }
    return count;
  }
  void set(PartKey key, const FadingSum& sum, UnixTime at) {
    const auto [found, is_new] = by_key_.try_emplace(key);
    if (is_new) {
      latest_first_.push_front({.key = key, .label = {}});
      found->second = latest_first_.begin();
    } else {
      latest_first_.splice(latest_first_.begin(), latest_first_, found->second);
    }
    StandingPart& part = latest_first_.front();
    part.sum = sum;
    part.last_at = at;
    ++part.incidents;
  }
  void clear() {
    latest_first_.clear();
    by_key_.clear();
  }
  [[nodiscard]] std::vector<StandingPart> all() const { return {latest_first_.begin(), latest_first_.end()}; }
  [[nodiscard]] const std::list<StandingPart>& latest_first() const { return latest_first_; }

 private:
  std::list<StandingPart> latest_first_;
  std::unordered_map<PartKey, std::list<StandingPart>::iterator> by_key_;
};

class Sender {
 public:
  Sender(const Policy& policy, const Reckoning& from)
      : policy_(policy),
        standing_(from.standing),
        witnesses_(from.witnesses),
        campaigns_(from.campaigns),
        kinds_(from.kinds),
        origins_(from.origins),
        mailboxes_(from.mailboxes),
        listing_(from.listing) {}

  /// Returns the credit.
  double take(const Accusation& accusation) {
    const PartKey kind = part_key(name_of(accusation.kind));
    Ledger ledger;
    ledger.standing = standing_;
    ledger.by_witness = witnesses_.sum(accusation.keys.witness);
    ledger.by_campaign = campaigns_.sum(accusation.keys.campaign);
    ledger.by_kind = kinds_.sum(kind);
    ledger.by_origin = origins_.sum(accusation.keys.origin);
    if (accusation.keys.mailbox) ledger.by_mailbox = mailboxes_.sum(*accusation.keys.mailbox);
    const UnixTime since = accusation.received_at - policy_.memory();
    ledger.witnesses = witnesses_.others(accusation.keys.witness, since, policy_.distinct_traps);
    ledger.campaigns = campaigns_.others(accusation.keys.campaign, since, policy_.distinct_campaigns);
    for (const auto& part : kinds_.latest_first()) {
      if (part.last_at > since) ledger.codes |= code_of(part.key);
    }
    ledger.exempt = exempt_.covers(accusation.client, accusation.received_at);

    const Assessment result = assess(policy_, accusation, ledger);
    standing_ = result.standing;
    if (result.credit <= 0) return 0;
    witnesses_.set(accusation.keys.witness, result.by_witness, accusation.received_at);
    campaigns_.set(accusation.keys.campaign, result.by_campaign, accusation.received_at);
    kinds_.set(kind, result.by_kind, accusation.received_at);
    origins_.set(accusation.keys.origin, result.by_origin, accusation.received_at);
    if (accusation.keys.mailbox) mailboxes_.set(*accusation.keys.mailbox, result.by_mailbox, accusation.received_at);
    if (result.listing) listing_ = result.listing;
    return result.credit;
  }

  /// `is_in`: the start includes the decision, except for exemptions.
  void decide(const PastDecision& decision, bool is_in) {
    // A /128 within a /64 isn't a sender.
    const bool is_of_whole_sender = !is_in && decision.prefix.contains(standing_.sender);
    switch (decision.action) {
      case PastDecision::Action::delisted:
        if (!is_of_whole_sender) return;
        end_listing(decision.at);
        standing_.score = {.amount = 0, .at = decision.at};
        standing_.afresh_since = decision.at;
        for (auto* const parts : {&witnesses_, &campaigns_, &kinds_, &origins_, &mailboxes_}) parts->clear();
        return;
      case PastDecision::Action::exempted:
        exempt_.insert(decision.prefix, decision.until);
        if (is_of_whole_sender) end_listing(decision.at);
        return;
      case PastDecision::Action::exemption_ended:
        exempt_.erase(decision.prefix);
        return;
    }
  }

  [[nodiscard]] Reckoning reckoned(std::vector<double> credits) const {
    return {.standing = standing_,
            .witnesses = witnesses_.all(),
            .campaigns = campaigns_.all(),
            .kinds = kinds_.all(),
            .origins = origins_.all(),
            .mailboxes = mailboxes_.all(),
            .listing = listing_,
            .credits = std::move(credits)};
  }

 private:
  [[nodiscard]] static CodeSet code_of(PartKey kind) {
    static const auto kKeys = [] {
      std::array<PartKey, 6> keys{};
      for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = part_key(name_of(static_cast<Kind>(i)));
      return keys;
    }();
    const auto found = std::ranges::find(kKeys, kind);
    return found == kKeys.end() ? CodeSet{} : CodeSet(code_for(static_cast<Kind>(found - kKeys.begin())));
  }

  void end_listing(UnixTime at) {
    if (!listing_) return;
    if (listing_->in_force(at)) standing_.listed_at = standing_.listed_until = std::nullopt;
    listing_.reset();
  }

  const Policy& policy_;
  Standing standing_;
  Parts witnesses_;
  Parts campaigns_;
  Parts kinds_;
  Parts origins_;
  Parts mailboxes_;
  std::optional<Listing> listing_;
  ExemptionSet exempt_;
};

}  // namespace

Decisions::Decisions(std::vector<PastDecision> decisions) : all_(std::move(decisions)) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Prefix& prefix = all_[i].prefix;
    const Prefix sender = sender_of(prefix.first());
    const Prefix& key = sender.contains(prefix) ? sender : prefix;
    by_prefix_[key].push_back(i);
    has_length_.at(static_cast<std::size_t>(key.length())) = true;
  }
}

std::vector<PastDecision> Decisions::of(const Prefix& sender) const {
  std::vector<std::size_t> found;
  for (int length = 0; length <= sender.length(); ++length) {
    if (!has_length_.at(static_cast<std::size_t>(length))) continue;
    const auto at = by_prefix_.find(Prefix::covering(sender.first(), length));
    if (at != by_prefix_.end()) found.insert(found.end(), at->second.begin(), at->second.end());
  }
  std::ranges::sort(found);
  std::vector<PastDecision> decisions;
  decisions.reserve(found.size());
  for (const auto i : found) decisions.push_back(all_[i]);
  return decisions;
}

Reckoning reckon(const Policy& policy, const Reckoning& from, std::span<const Accusation> accusations,
                 std::span<const PastDecision> decisions, UnixTime now) {
  Sender sender(policy, from);
  std::vector<double> credits;
  credits.reserve(accusations.size());
  auto decision = decisions.begin();
  const auto decide_before = [&](UnixTime time) {
    for (; decision != decisions.end() && decision->at < time; ++decision) {
      sender.decide(*decision, decision->at < from.as_of);
    }
  };
  UnixTime latest = UnixTime::min();
  for (const auto& accusation : accusations) {
    assert(accusation.received_at >= latest);
    latest = accusation.received_at;
    decide_before(latest);
    credits.push_back(sender.take(accusation));
  }
  decide_before(now + Duration{1});
  return sender.reckoned(std::move(credits));
}

Reckoning unknown_sender(const Prefix& sender) {
  Reckoning reckoning;
  reckoning.standing.sender = sender;
  return reckoning;
}

}  // namespace blowback::score
