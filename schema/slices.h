// Work of any size in short transactions, so that no writer keeps the others waiting.
//
// The first slice makes the audit entry and does what must hold from the start (an exemption stands before listings in it end). The rest
// goes through keys in order, in stages. What one slice can't finish has a row in `unfinished`, written with the slice: after a
// kill the row says exactly what is done. So anybody may go on with it, also two at once: each slice reads the row anew.
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

/// A key in a stage's order. Of listings `last` is the source, of the journal the serial; senders have neither.
struct Key {
  IpAddress::Octets first{};
  std::int64_t length = -1;  ///< -1: before all keys with this `first`
  std::int64_t last = -1;
};

/// Of a listing, and of a sender.
[[nodiscard]] inline Prefix prefix_of(const Key& key) {
  return Prefix::covering(IpAddress::from_octets(key.first), static_cast<int>(key.length));
}
[[nodiscard]] inline Prefix sender_with(const Key& key) { return sender_of(IpAddress::from_octets(key.first)); }

/// A decision and how far it is: a row of `unfinished`, or one that a single slice will do.
struct Work {
  std::int64_t audit = 0;  ///< 0: not begun
  bool is_stored = false;  ///< it has a row
  std::size_t stage = 0;
  Key done;  ///< of the stage
  std::uint64_t listed = 0;
  std::uint64_t ended = 0;
  std::uint64_t moved = 0;
  std::uint64_t reckoned = 0;

  [[nodiscard]] std::uint64_t changes() const { return listed + ended + moved; }
};

struct Stage {
  /// The next keys after one, some hundreds at most; empty: the stage is done.
  std::function<std::vector<Key>(const Key& after)> next;
  /// Does what there is to do for one of them.
  std::function<void(const Key&)> take;
  /// How many there are after one, for progress; absent: nobody knows.
  std::function<std::uint64_t(const Key& after)> left;
};

/// What a decision does, beside its stages.
struct Plan {
  /// In the first transaction, unless the work was begun before. Sets `Work::audit`. False: there is nothing to do.
  std::function<bool()> begin = [] { return true; };
  /// At the beginning of each slice: what others may have changed since the last is read anew.
  std::function<void()> look = [] {};
  std::vector<Stage> stages;
  std::uint64_t changes_at_begin = 0;  ///< what `begin` changes: an exemption, a trap
  /// The keys come from the caller, so nobody else can have finished it.
  bool is_callers_own = false;
  bool only_one_slice = false;
};

/// Keys that one `next` finds at most: they are found and dealt with in well under a slice.
inline constexpr std::int64_t kKeysAtOnce = 256;

/// Ends a slice when it has lasted long enough.
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
