// Recorded incidents and the operator's decisions, gone through once more from the beginning: what the list would be under
// a policy, without a database. Pure, as `assess`, which it calls for each incident with the ledger that the store would have
// given it; tests hold it to the bit against a real ingest.
#pragma once

#include "blowback/incident.h"
#include "blowback/policy.h"
#include "blowback/reckoning.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace blowback::score {

class Replay {
 public:
  /// `decisions`: oldest first. One made in the second in which an incident was received comes after it: delisting forgets
  /// what was received up to that second.
  Replay(const Policy& policy, std::vector<PastDecision> decisions);
  Replay(Replay&&) noexcept;
  Replay& operator=(Replay&&) noexcept;
  ~Replay();  ///< One thread at a time.

  /// Requires incidents in the order of `received_at`. Returns the credit. Looks at nothing but the incident's time, client,
  /// witness, campaign, origin, mailbox, kind, confidence, and whether it counts (attribution.h).
  double take(const Incident& incident);
  /// Applies what was decided after the last incident, up to `now`.
  void finish(UnixTime now);
  /// Every sender by address, with the latest automatic listing that no decision ended; it may have ended by itself.
  void for_each_sender(const std::function<void(const Standing&, const std::optional<Listing>&)>& visit) const;
  /// All that there is of one sender, but its credits. Absent: it was never seen.
  [[nodiscard]] std::optional<Reckoning> of(const Prefix& sender) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// One sender's record from its first incident on. Pure. Requires incidents of one sender in the order of `received_at`, at
/// least one, and decisions as Replay takes them.
[[nodiscard]] Reckoning reckon(const Policy& policy, std::span<const Incident> incidents,
                               std::span<const PastDecision> decisions, UnixTime now);

}  // namespace blowback::score
