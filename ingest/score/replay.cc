// The store's tables in memory, as far as scoring looks at them.
//
// Witnesses, campaigns, origins and mailboxes are numbers here: the same few thousand texts stand against many senders. A sender's parts are kept
// with the one that was touched last in front, since the only question asked of all of them is how many were touched lately;
// so an incident costs the same however many campaigns a sender has behind it.
#include "score/replay.h"

#include "blowback/exemption_set.h"
#include "score/assess.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace blowback::score {
namespace {

using Key = std::uint32_t;

class Keys {
 public:
  [[nodiscard]] Key of(const std::string& text) {
    const auto [at, is_new] = numbers_.try_emplace(text, static_cast<Key>(texts_.size()));
    if (is_new) texts_.push_back(&at->first);
    return at->second;
  }
  [[nodiscard]] const std::string& text(Key key) const { return *texts_[key]; }

 private:
  std::unordered_map<std::string, Key> numbers_;
  std::vector<const std::string*> texts_;  // a map's keys stay where they are
};

struct Part {
  Key key = 0;
  FadingSum sum;
  UnixTime last_at{};
  std::uint64_t incidents = 0;
};

/// What each witness, or each campaign, origin or mailbox, has standing against one sender.
class Parts {
 public:
  [[nodiscard]] FadingSum sum(Key key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? FadingSum{} : found->second->sum;
  }
  /// How many but `key` were touched after `since`, counted up to `most`.
  [[nodiscard]] int others(Key key, UnixTime since, int most) const {
    int count = 0;
    for (const auto& part : latest_first_) {
      if (part.last_at <= since || count >= most) break;
      if (part.key != key) ++count;
    }
    return count;
  }
  void set(Key key, const FadingSum& sum, UnixTime at) {
    const auto [found, is_new] = by_key_.try_emplace(key);
    if (is_new) {
      latest_first_.push_front({.key = key});
      found->second = latest_first_.begin();
    } else {
      latest_first_.splice(latest_first_.begin(), latest_first_, found->second);
    }
    Part& part = latest_first_.front();
    part.sum = sum;
    part.last_at = at;
    ++part.incidents;
  }
  void clear() {
    latest_first_.clear();
    by_key_.clear();
  }
  [[nodiscard]] std::vector<StandingPart> named(const Keys& keys) const {
    std::vector<StandingPart> parts;
    for (const auto& part : latest_first_) {
      parts.push_back(
          {.key = keys.text(part.key), .sum = part.sum, .last_at = part.last_at, .incidents = part.incidents});
    }
    return parts;
  }

 private:
  std::list<Part> latest_first_;
  std::unordered_map<Key, std::list<Part>::iterator> by_key_;
};

struct Sender {
  Standing standing;
  Parts witnesses;
  Parts campaigns;
  Parts origins;
  Parts mailboxes;
  std::array<Part, 6> kinds{};  // by Kind; none of it was seen where `incidents` is 0
  std::optional<Listing> listing;

  void end_listing(UnixTime at) {
    if (!listing) return;
    if (listing->in_force(at)) standing.listed_at = standing.listed_until = std::nullopt;
    listing.reset();
  }
};

}  // namespace

class Replay::State {
 public:
  State(const Policy& policy, std::vector<PastDecision> decisions)
      : policy_(policy), decisions_(std::move(decisions)) {}

  double take(const Incident& incident) {
    assert(incident.received_at >= latest_);
    latest_ = incident.received_at;
    decide_before(incident.received_at);
    const Prefix prefix = sender_of(incident.client);
    Sender& sender = senders_[prefix.first()];
    sender.standing.sender = prefix;
    const Key witness = keys_.of(incident.witness);
    const Key campaign = keys_.of(incident.campaign);
    const Key origin = keys_.of(origin_key(incident));
    const std::string mailbox_text = mailbox_key(incident);
    const Key mailbox = keys_.of(mailbox_text);
    Part& kind = sender.kinds.at(static_cast<std::size_t>(incident.kind));

    Ledger ledger;
    ledger.standing = sender.standing;
    ledger.by_witness = sender.witnesses.sum(witness);
    ledger.by_campaign = sender.campaigns.sum(campaign);
    ledger.by_kind = kind.sum;
    ledger.by_origin = sender.origins.sum(origin);
    if (!mailbox_text.empty()) ledger.by_mailbox = sender.mailboxes.sum(mailbox);
    const UnixTime since = incident.received_at - policy_.memory();
    ledger.witnesses = sender.witnesses.others(witness, since, policy_.distinct_traps);
    ledger.campaigns = sender.campaigns.others(campaign, since, policy_.distinct_campaigns);
    for (std::size_t i = 0; i < sender.kinds.size(); ++i) {
      if (sender.kinds[i].incidents > 0 && sender.kinds[i].last_at > since) {
        ledger.codes |= code_for(static_cast<Kind>(i));
      }
    }
    ledger.exempt = exempt_.covers(incident.client, incident.received_at);

    const Assessment result = assess(policy_, incident, ledger);
    sender.standing = result.standing;
    if (result.credit <= 0) return 0;
    sender.witnesses.set(witness, result.by_witness, incident.received_at);
    sender.campaigns.set(campaign, result.by_campaign, incident.received_at);
    sender.origins.set(origin, result.by_origin, incident.received_at);
    if (!mailbox_text.empty()) sender.mailboxes.set(mailbox, result.by_mailbox, incident.received_at);
    kind.sum = result.by_kind;
    kind.last_at = incident.received_at;
    ++kind.incidents;
    if (result.listing) sender.listing = result.listing;
    return result.credit;
  }

  void finish(UnixTime now) { decide_before(now + Duration{1}); }

  void for_each_sender(const std::function<void(const Standing&, const std::optional<Listing>&)>& visit) const {
    for (const auto& [first, sender] : senders_) visit(sender.standing, sender.listing);
  }

  [[nodiscard]] std::optional<Reckoning> of(const Prefix& prefix) const {
    const auto found = senders_.find(prefix.first());
    if (found == senders_.end()) return std::nullopt;
    const Sender& sender = found->second;
    Reckoning reckoning{.standing = sender.standing,
                        .witnesses = sender.witnesses.named(keys_),
                        .campaigns = sender.campaigns.named(keys_),
                        .kinds = {},
                        .origins = sender.origins.named(keys_),
                        .mailboxes = sender.mailboxes.named(keys_),
                        .listing = sender.listing,
                        .credits = {}};
    for (std::size_t i = 0; i < sender.kinds.size(); ++i) {
      const Part& kind = sender.kinds[i];
      if (kind.incidents == 0) continue;
      reckoning.kinds.push_back({.key = std::string(name_of(static_cast<Kind>(i))),
                                 .sum = kind.sum,
                                 .last_at = kind.last_at,
                                 .incidents = kind.incidents});
    }
    return reckoning;
  }

 private:
  void decide_before(UnixTime time) {
    for (; decided_ < decisions_.size() && decisions_[decided_].at < time; ++decided_) decide(decisions_[decided_]);
  }

  void decide(const PastDecision& decision) {
    switch (decision.action) {
      case PastDecision::Action::delisted:
        for_senders_in(decision.prefix, [&](Sender& sender) {
          sender.end_listing(decision.at);
          sender.standing.score = {.amount = 0, .at = decision.at};
          sender.standing.afresh_since = decision.at;
          sender.witnesses.clear();
          sender.campaigns.clear();
          sender.origins.clear();
          sender.mailboxes.clear();
          sender.kinds = {};
        });
        break;
      case PastDecision::Action::exempted:
        exempt_.put(decision.prefix, decision.until);
        for_senders_in(decision.prefix, [&](Sender& sender) { sender.end_listing(decision.at); });
        break;
      case PastDecision::Action::exemption_ended:
        exempt_.erase(decision.prefix);
        break;
    }
  }

  /// Senders whose whole prefix lies in it: a /128 within somebody's /64 is no sender.
  template <typename Visit>
  void for_senders_in(const Prefix& prefix, Visit visit) {
    const auto end = senders_.upper_bound(prefix.last());
    for (auto at = senders_.lower_bound(prefix.first()); at != end; ++at) {
      if (prefix.contains(at->second.standing.sender)) visit(at->second);
    }
  }

  Policy policy_;
  std::vector<PastDecision> decisions_;
  std::size_t decided_ = 0;
  ExemptionSet exempt_;
  UnixTime latest_ = UnixTime::min();
  Keys keys_;
  std::map<IpAddress, Sender> senders_;  // by the prefix's first address: a network's senders stand together
};

Replay::Replay(const Policy& policy, std::vector<PastDecision> decisions)
    : state_(std::make_unique<State>(policy, std::move(decisions))) {}
Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&&) noexcept = default;
Replay::~Replay() = default;

double Replay::take(const Incident& incident) { return state_->take(incident); }
void Replay::finish(UnixTime now) { state_->finish(now); }
void Replay::for_each_sender(const std::function<void(const Standing&, const std::optional<Listing>&)>& visit) const {
  state_->for_each_sender(visit);
}
std::optional<Reckoning> Replay::of(const Prefix& sender) const { return state_->of(sender); }

Reckoning reckon(const Policy& policy, std::span<const Incident> incidents, std::span<const PastDecision> decisions,
                 UnixTime now) {
  assert(!incidents.empty());
  Replay replay(policy, {decisions.begin(), decisions.end()});
  std::vector<double> credits;
  credits.reserve(incidents.size());
  for (const auto& incident : incidents) credits.push_back(replay.take(incident));
  replay.finish(now);
  Reckoning reckoning = *replay.of(sender_of(incidents.front().client));
  reckoning.credits = std::move(credits);
  return reckoning;
}

}  // namespace blowback::score
