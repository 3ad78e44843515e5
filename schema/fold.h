// Incidents that go: those that are older than they need be kept, and the oldest of a sender with too many. What they came to goes
// into their sender's standing at the horizon, from which `undo` and `policy simulate` start, so that within it both are exact.
#pragma once

#include "sender_record.h"
#include "store_impl.h"

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <vector>

namespace blowback::schema {

/// So many of a sender are kept, and some more until it is its turn: `undo` reckons a sender in one transaction.
inline constexpr std::uint64_t kMostOfSender = 20'000;
/// A sender is looked at whenever so many more were recorded of it.
inline constexpr std::uint64_t kCrowdedStep = 5'000;

/// A sweep through all incidents in slices, which goes on where it was, within a sender as well. What it has read of a sender is
/// kept between slices, and read again after a restart.
class Folding {
 public:
  explicit Folding(Store::Impl& impl) : impl_(impl), db_(impl.db), records_(impl.db) {}

  struct Terms {
    UnixTime now{};
    UnixTime horizon{};  ///< what was received before goes
    const Policy& policy;
    Reckon reckon;
  };
  struct Done {
    std::uint64_t incidents = 0;
    bool is_through = false;
  };
  /// From the sender after `position` on, the first time. One slice.
  [[nodiscard]] Done go_on(const Terms& terms, std::span<const std::uint8_t> position);
  /// The same of one sender only, for the number of its incidents.
  [[nodiscard]] Done go_on_with(const IpAddress& sender, const Terms& terms);
  /// Of all senders up to here, nothing is left to be done. Empty: of none.
  [[nodiscard]] std::span<const std::uint8_t> position() const { return position_; }

 private:
  using Rows = std::vector<SenderRecords::Kept>;

  /// The sender that is being read.
  struct Reading {
    std::optional<IpAddress> sender;
    std::int64_t digest = std::numeric_limits<std::int64_t>::min();  ///< the last one read
    bool by_number = false;                                          ///< the oldest go, however young they are
    std::uint64_t count = 0;
    Rows oldest;
    bool is_cut = false;  ///< some that go aren't in `oldest`
  };
  /// A sender of whom `rows` go, in order of time.
  struct Due {
    Prefix sender;
    Rows rows;
    std::size_t done = 0;
    std::optional<UnixTime> horizon;  ///< absent: they go for their number
    bool is_cut = false;
    bool too_many = false;  ///< also without `rows`
  };

  [[nodiscard]] Done next_slice(const Terms& terms, const std::optional<IpAddress>& only);
  void read(const Terms& terms, Slice& slice, const std::optional<IpAddress>& only);
  void take(SenderRecords::Kept row, const Terms& terms);
  void finish_reading(const Terms& terms);
  [[nodiscard]] std::uint64_t fold(const Terms& terms, Slice& slice);
  [[nodiscard]] std::uint64_t fold_piece(Due& due, const Terms& terms, const std::vector<PastDecision>& decisions);

  Store::Impl& impl_;
  Connection& db_;
  SenderRecords records_;
  Reading reading_;
  std::deque<Due> due_;
  bool has_begun_ = false;
  bool all_read_ = false;
  std::vector<std::uint8_t> finished_;  ///< the last sender that was read to its end
  std::vector<std::uint8_t> position_;
};

}  // namespace blowback::schema
