// Counts of one worker: written by its thread alone, read by anybody.
#pragma once

#include "answer/answer.h"
#include "answer/outcome.h"
#include "net/counts.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace blowback::net {

/// A number with one writer: adding needs no locked instruction.
class Counter {
 public:
  void add(std::uint64_t number = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What one transport's queries were and became.
class AnswerCounters {
 public:
  void count(const answer::Answer& answer, Family family);
  void add_to(Counts::Answered& sum) const;

 private:
  std::array<Counter, answer::kOutcomes> by_outcome_;
  std::array<Counter, kQueryTypes> by_type_;
  std::array<Counter, kRcodes> by_rcode_;
  std::array<Counter, 2> by_family_;
  std::array<Counter, kAllCodes.size()> hits_;
  std::array<Counter, kCookieStates> by_cookie_;
  Counter truncated_;
  Counter slipped_;
  Counter limited_;
};

/// On cache lines of its own, so that workers don't take them from each other.
struct alignas(64) WorkerCounters {
  AnswerCounters udp;
  AnswerCounters tcp;
  Counter tcp_connections;
  Counter tcp_closed_idle;
  Counter send_failed;
  std::array<Counter, kLatencySteps> latency;

  /// `queries` were answered and their replies handed to the kernel within `time` from when they were read from it.
  void took(std::chrono::nanoseconds time, std::uint64_t queries) { latency[latency_step(time)].add(queries); }
  void add_to(Counts& sum) const;
};

}  // namespace blowback::net
