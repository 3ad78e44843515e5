// Which sender callouts are handed on: one for each sender, witness and hour, so that a flood of them reaches nobody's queue.
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

/// The witness that an address stands for, see config::Traps; "" for what is no trap. Of an address in any case.
using WitnessOf = std::function<std::string(std::string_view)>;

/// Remembers the hour (UTC) that the callouts are of. One thread at a time.
class CalloutGate {
 public:
  /// Callouts of an hour at most, of all senders: memory stays below some 2 MiB.
  static constexpr std::size_t kMost = 10'000;
  /// And of one sender: no policy asks for more witnesses.
  static constexpr std::size_t kMostOfSender = 64;

  explicit CalloutGate(WitnessOf witness_of) : witness_of_(std::move(witness_of)) {}

  /// Whether to hand it on. It keeps one recipient then: the first whose witness its sender hasn't called out to in this hour.
  /// False where there is none, or one of the bounds is reached; nobody is accused by what isn't handed on. Requires a client.
  [[nodiscard]] bool admits(TrapDelivery& callout);
  /// From now on by these traps. What it remembers of the hour stays.
  void judge_by(WitnessOf witness_of) { witness_of_ = std::move(witness_of); }

 private:
  WitnessOf witness_of_;
  UnixTime hour_{};
  std::unordered_map<Prefix, std::set<std::string>> witnesses_;  ///< of each sender, in that hour
  std::size_t admitted_ = 0;                                     ///< of them all
};

}  // namespace blowback::feed
