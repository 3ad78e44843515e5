// One sender's stored record: its beginning, and its incidents in order of time.
#pragma once

#include "store_impl.h"

#include <cstdint>
#include <vector>

namespace blowback::schema {

/// Its statements are prepared once, for many senders.
class SenderRecords {
 public:
  explicit SenderRecords(const Connection& db);

  /// The beginning of the record of `sender`: the stored result up to its horizon, or nothing.
  [[nodiscard]] Reckoning from(const Prefix& sender);

  struct Kept {
    std::int64_t digest = 0;  ///< the row's key, with the sender
    std::int64_t number = 0;
    double credit = 0;
    Accusation accusation;
  };
  /// Ordered by received_at, then by recording; times as in `unless_ahead`.
  [[nodiscard]] std::vector<Kept> incidents(const Prefix& sender, UnixTime now);

  /// Stores `reckoning` as the new beginning of the record, as of its `as_of`. Requires a transaction.
  void begin_with(const Reckoning& reckoning);

 private:
  Statement from_;
  Statement parts_;
  Statement incidents_;
  Statement put_from_;
  Statement forget_parts_;
  Statement put_part_;
};

}  // namespace blowback::schema
