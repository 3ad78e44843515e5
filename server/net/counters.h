// Counters of one worker: only its thread writes them, any thread may read them.
#pragma once

#include "answer/answer.h"
#include "answer/outcome.h"
#include "net/counts.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace blowback::net {

/// A number with one writer, so that adding needs no locked instruction.
class Counter {
 public:
  void add(std::uint64_t number = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The queries of one transport and their answers.
class AnswerCounters {
 public:
  void count(const answer::Answer& answer, Family family);
  void add_to(Counts::Answered& sum) const;

 private:
  std::array<Counter, answer::kOutcomes> by_outcome_;
  std::array<Counter, kRcodes> by_rcode_;
  std::array<std::array<Counter, kQueryTypes>, 2> by_family_and_type_;
  std::array<Counter, kAllCodes.size()> hits_;
  std::array<Counter, kCookieStates> by_cookie_;
  Counter truncated_;
  Counter slipped_;
  Counter limited_;
  Counter transfers_refused_;
};

/// On cache lines of its own, so that workers don't slow each other down.
struct alignas(64) WorkerCounters {
  AnswerCounters udp;
  AnswerCounters tcp;
  Counter tcp_connections;
  Counter tcp_closed_idle;
  Counter send_failed;
  std::array<Counter, kLatencySteps> latency;
  Counter latency_nanoseconds;  ///< the sum over all queries
  /// When the worker last completed a turn of its loop, which it does at least once a second. In the steady clock's ticks.
  std::atomic<std::chrono::steady_clock::duration> turned_at{std::chrono::steady_clock::duration::min()};

  /// Counts `queries` that were answered within `time`, from reading them to handing their replies to the kernel.
  void add_latency(std::chrono::nanoseconds time, std::uint64_t queries) {
    latency[latency_step(time)].add(queries);
    latency_nanoseconds.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count())) * queries);
  }
  void add_to(Counts& sum) const;
};

}  // namespace blowback::net
