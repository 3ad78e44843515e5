// Removes incidents: those that are older than their retention, and the oldest of a sender with too many. Their effect is folded into the
// sender's standing at the horizon, with which `undo` and `policy simulate` start, so that both stay exact for everything after it.
#pragma once

#include "sender_record.h"
#include "store_impl.h"

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <vector>

namespace blowback::schema {

/// This many incidents of a sender are kept, and some more until it is its turn: `undo` computes a sender's score in one transaction.
inline constexpr std::uint64_t kMostOfSender = 20'000;
/// A sender is checked each time that this many more were recorded.
inline constexpr std::uint64_t kCrowdedStep = 5'000;

/// A sweep through all incidents in slices, each of which continues where the last one ended, even within a sender. What was read of a sender
/// is kept between slices, and read again after a restart.
class Folding {
 public:
  explicit Folding(Store::Impl& impl) : impl_(impl), db_(impl.db), records_(impl.db) {}

  struct Terms {
    UnixTime now{};
    UnixTime horizon{};  ///< incidents received before it are removed
    const Policy& policy;
    Reckon reckon;
  };
  struct Done {
    std::uint64_t incidents = 0;
    bool is_through = false;
  };
  /// One slice. The first one begins after `position`, a sender.
  [[nodiscard]] Done go_on(const Terms& terms, std::span<const std::uint8_t> position);
  /// Likewise for one sender only that has too many incidents.
  [[nodiscard]] Done go_on_with(const IpAddress& sender, const Terms& terms);
  /// The sweep is complete up to and including this sender. Empty: none yet.
  [[nodiscard]] std::span<const std::uint8_t> position() const { return position_; }

 private:
  using Rows = std::vector<SenderRecords::Kept>;

  /// The sender that is being read.
  struct Reading {
    std::optional<IpAddress> sender;
    std::int64_t digest = std::numeric_limits<std::int64_t>::min();  ///< the last one read
    bool by_number = false;                                          ///< the oldest are removed, whatever their age
    std::uint64_t count = 0;
    Rows oldest;
    bool is_cut = false;  ///< more are to be removed than are in `oldest`
  };
  /// A sender whose `rows` are to be removed; in order of time.
  struct Due {
    Prefix sender;
    Rows rows;
    std::size_t done = 0;
    std::optional<UnixTime> horizon;  ///< absent: they are too many
    bool is_cut = false;
    bool too_many = false;  ///< even without `rows`
  };

  [[nodiscard]] Done next_slice(const Terms& terms, const std::optional<IpAddress>& only);
  void read(const Terms& terms, Slice& slice, const std::optional<IpAddress>& only);
  void collect(SenderRecords::Kept row, const Terms& terms);
  void finish_reading(const Terms& terms);
  [[nodiscard]] std::uint64_t fold(const Terms& terms, Slice& slice);
  [[nodiscard]] std::uint64_t fold_piece(Due& due, const Terms& terms, const std::vector<PastDecision>& decisions,
                                         Statement& remove);

  Store::Impl& impl_;
  Connection& db_;
  SenderRecords records_;
  Reading reading_;
  std::deque<Due> due_;
  bool has_begun_ = false;
  bool all_read_ = false;
  std::vector<std::uint8_t> finished_;  ///< the last sender that was read completely
  std::vector<std::uint8_t> position_;
};

}  // namespace blowback::schema
