// Counts of one worker: written by its thread alone, read by anybody.
#pragma once

#include "answer/answer.h"
#include "answer/outcome.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace blowback::net {

/// A number with one writer: adding needs no locked instruction.
class Counter {
 public:
  void add() { value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct OutcomeCounters {
  std::array<Counter, answer::kOutcomes> by_outcome;
  Counter truncated;

  void count(const answer::Answer& answer) {
    by_outcome[static_cast<std::size_t>(answer.outcome)].add();
    if (answer.truncated) truncated.add();
  }
  [[nodiscard]] answer::Tally read() const;
};

/// On a cache line of its own, so that workers don't take it from each other.
struct alignas(64) WorkerCounters {
  OutcomeCounters udp;
  OutcomeCounters tcp;
  Counter tcp_connections;
  Counter tcp_closed_idle;
  Counter send_failed;
};

}  // namespace blowback::net
