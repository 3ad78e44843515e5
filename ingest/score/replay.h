// Recorded incidents and the operator's decisions, gone through once more from the beginning, or from where the record
// begins: what a sender would have standing under a policy, without a database. Pure, as `assess`, which it calls for each incident
// with the ledger that the store would have given it; tests hold it to the bit against a real ingest.
#pragma once

#include "blowback/accusation.h"
#include "blowback/policy.h"
#include "blowback/reckoning.h"

#include <array>
#include <cstddef>
#include <map>
#include <span>
#include <vector>

namespace blowback::score {

/// The operator's decisions by whom they concern, so that a million senders don't look at each of them.
class Decisions {
 public:
  /// Oldest first.
  explicit Decisions(std::vector<PastDecision> decisions);
  /// Those that cover the sender or an address of it, oldest first.
  [[nodiscard]] std::vector<PastDecision> of(const Prefix& sender) const;

 private:
  std::vector<PastDecision> all_;
  std::map<Prefix, std::vector<std::size_t>> by_prefix_;  ///< by the sender for those that are narrower than it
  std::array<bool, 129> has_length_{};                    ///< which lengths stand in `by_prefix_`
};

/// One sender's record. Pure. Requires incidents of one sender in the order of `received_at`, and decisions that concern it,
/// oldest first; one made in the second in which an incident was received comes after it: delisting forgets what was received
/// up to that second. `from`: where it starts, all decisions up to then applied; its credits are not looked at.
[[nodiscard]] Reckoning reckon(const Policy& policy, const Reckoning& from, std::span<const Accusation> accusations,
                               std::span<const PastDecision> decisions, UnixTime now);

/// Where a sender starts of whom nothing is known.
[[nodiscard]] Reckoning unknown_sender(const Prefix& sender);

}  // namespace blowback::score
