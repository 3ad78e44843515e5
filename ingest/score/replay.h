// Recomputes a sender's standing from its recorded incidents and the operator's decisions, without a database: under another policy, or after
// an undo. Pure. It calls `assess` for each incident with the ledger that the store would have passed; tests compare the result with that of a
// real ingest, bit by bit.
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

/// The operator's decisions by prefix, so that a million senders needn't look at each of them.
class Decisions {
 public:
  /// Oldest first.
  explicit Decisions(std::vector<PastDecision> decisions);
  /// The decisions that cover the sender or an address of it, oldest first.
  [[nodiscard]] std::vector<PastDecision> of(const Prefix& sender) const;

 private:
  std::vector<PastDecision> all_;
  std::map<Prefix, std::vector<std::size_t>> by_prefix_;  ///< under their sender if they are narrower
  std::array<bool, 129> has_length_{};                    ///< the prefix lengths in `by_prefix_`
};

/// One sender's standing. Pure. Requires incidents of one sender in the order of `received_at`, and the decisions that concern it, oldest
/// first. A decision in the same second as an incident is applied after it: delisting forgets what was received up to that second. `from`: the
/// start, with all earlier decisions applied; its credits are ignored.
[[nodiscard]] Reckoning reckon(const Policy& policy, const Reckoning& from, std::span<const Accusation> accusations,
                               std::span<const PastDecision> decisions, UnixTime now);

/// The start of an unknown sender.
[[nodiscard]] Reckoning unknown_sender(const Prefix& sender);

}  // namespace blowback::score
