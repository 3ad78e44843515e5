// One thread's share of answering: what it answers from, and what it has counted. Private to this room.
#pragma once

#include "answer/answer.h"
#include "net/service.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace blowback::net {

/// A number that one thread counts up and others may read meanwhile.
class Counter {
 public:
  void add() { value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// A cache line of its own, so that no two threads write the same one.
class alignas(64) Responder {
 public:
  Responder(const Sources& sources, answer::Transport transport);

  /// The reply; absent: silence. One thread at a time.
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> respond(std::span<const std::uint8_t> query);
  /// Lets go of what has been replaced meanwhile: a thread that nobody asks must not hold on to an old list for ever.
  void refresh();
  /// Safe from any thread.
  [[nodiscard]] answer::Tally tally() const;

 private:
  zone::Published<answer::ServedZone>::Reader zone_;
  zone::Published<zone::View>::Reader view_;
  std::function<UnixTime()> clock_;
  answer::Transport transport_;
  std::array<Counter, answer::kOutcomes> outcomes_;
  Counter truncated_;
};

}  // namespace blowback::net
