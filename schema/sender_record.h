// One sender's record as it is kept: where it begins, and its incidents in the order of time.
#pragma once

#include "store_impl.h"

#include <cstdint>
#include <vector>

namespace blowback::schema {

/// Prepared once, for many senders.
class SenderRecords {
 public:
  explicit SenderRecords(const Connection& db);

  /// Where the record of `sender` begins: as of its horizon, or as of nothing.
  [[nodiscard]] Reckoning from(const Prefix& sender);

  struct Kept {
    std::int64_t digest = 0;  ///< with the sender the row's key
    std::int64_t number = 0;
    double credit = 0;
    Accusation accusation;
  };
  /// By received_at, then in the order of recording; times as in `unless_ahead`.
  [[nodiscard]] std::vector<Kept> incidents(const Prefix& sender, UnixTime now);

  /// From now on the record begins with `reckoning`, as of its `as_of`. Within a transaction.
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
