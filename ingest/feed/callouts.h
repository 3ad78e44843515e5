// Which sender callouts are recorded: one per sender, witness and hour, so that a flood of them doesn't fill the queues.
#pragma once

#include "blowback/prefix.h"
#include "blowback/trap_delivery.h"
#include "blowback/unix_time.h"

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace blowback::feed {

/// The witness of an address in any case, see config::Traps; "": it is no trap.
using WitnessOf = std::function<std::string(std::string_view)>;

/// Whether `reverse_path` may be that of a sender callout: the null reverse-path, or the address with which Postfix verifies addresses.
[[nodiscard]] bool is_probing(std::string_view reverse_path);

/// Remembers the callouts of the current hour (UTC). One thread at a time.
class CalloutGate {
 public:
  /// Callouts per hour of all senders, at most: memory stays below some 2 MiB.
  static constexpr std::size_t kMost = 10'000;
  /// Callouts per hour of one sender, at most: no policy requires more witnesses.
  static constexpr std::size_t kMostOfSender = 64;

  explicit CalloutGate(WitnessOf witness_of) : witness_of_(std::move(witness_of)) {}

  /// Whether to record the callout. If so, it keeps one recipient: the first whose witness the sender hasn't probed in this hour. False if
  /// there is none, or a limit is reached. Requires a client.
  [[nodiscard]] bool admits(TrapDelivery& callout);
  /// The traps for later callouts. What it remembers of the hour stays.
  void set_witness_of(WitnessOf witness_of) { witness_of_ = std::move(witness_of); }

 private:
  WitnessOf witness_of_;
  UnixTime hour_{};
  std::unordered_map<Prefix, std::set<std::string>> witnesses_;  ///< by sender, in that hour
  std::size_t admitted_ = 0;                                     ///< callouts of all senders, in that hour
};

}  // namespace blowback::feed
