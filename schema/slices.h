// Divides work of any size into short transactions, so that no writer blocks the others for long.
//
// The first slice makes the audit entry and what must be in force from the beginning (an exemption before listings in it end). The rest
// processes keys in order, in stages. If a slice doesn't complete the work, it stores the progress in a row of `unfinished`, in the same
// transaction. So any process may continue after a kill, even two at once: each slice reads the row again.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "schema/store.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace blowback::schema {

/// A key in a stage's order. `last` is the source of a listing, or the serial of a journal entry; senders have neither.
struct Key {
  IpAddress::Octets first{};
  std::int64_t length = -1;  ///< -1: before all keys with this `first`
  std::int64_t last = -1;
};

/// The prefix of a listing; the sender of a standing.
[[nodiscard]] inline Prefix prefix_of(const Key& key) {
  return Prefix::covering(IpAddress::from_octets(key.first), static_cast<int>(key.length));
}
[[nodiscard]] inline Prefix sender_with(const Key& key) { return sender_of(IpAddress::from_octets(key.first)); }

/// A decision and its progress: a row of `unfinished`, or one that needs a single slice.
struct Work {
  std::int64_t audit = 0;  ///< 0: not begun yet
  bool is_stored = false;  ///< there is a row
  std::size_t stage = 0;
  Key done;  ///< the last key of the stage that was processed
  std::uint64_t listed = 0;
  std::uint64_t ended = 0;
  std::uint64_t moved = 0;
  std::uint64_t reckoned = 0;

  [[nodiscard]] std::uint64_t changes() const { return listed + ended + moved; }
};

struct Stage {
  /// The next keys after `after`, at most kKeysAtOnce; empty: the stage is complete.
  std::function<std::vector<Key>(const Key& after)> next;
  /// Processes one of them.
  std::function<void(const Key&)> process;
  /// The number of keys after `after`, for progress; absent: unknown.
  std::function<std::uint64_t(const Key& after)> left;
};

/// The steps of a decision.
struct Plan {
  /// Called in the first transaction, unless the work is being continued. Sets `Work::audit`. False: there is nothing to do.
  std::function<bool()> begin = [] { return true; };
  /// Called at the beginning of each slice, to read again what others may have changed.
  std::function<void()> refresh = [] {};
  std::vector<Stage> stages;
  std::uint64_t changes_at_begin = 0;  ///< changes made by `begin`: an exemption, a trap
  /// The keys come from the caller, so no other process can have completed it.
  bool is_callers_own = false;
  bool only_one_slice = false;
};

/// The most keys that `next` returns: processing them takes much less than a slice.
inline constexpr std::int64_t kKeysAtOnce = 256;

/// Tells when a slice should end.
class Slice {
 public:
  explicit Slice(const Slicing& slicing) : ends_(Clock::now() + slicing.hold), left_(slicing.most_steps) {}
  /// To be called after each step.
  [[nodiscard]] bool is_over() {
    if (left_ > 0) --left_;
    return left_ == 0 || Clock::now() >= ends_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point ends_;
  std::size_t left_;
};

}  // namespace blowback::schema
