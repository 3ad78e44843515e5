// Threads that judge the deliveries of a chunk in parallel.
//
// A chunk is cut into stretches of a few items. A free thread judges the next one, and the results are joined in the order of the stretches,
// so the batch is the same for any number of threads.
#pragma once

#include "blowback/unix_time.h"
#include "feed/feed.h"
#include "record/intake.h"
#include "schema/store.h"

#include <memory>

namespace blowback::record {

/// One thread at a time.
class Judges {
 public:
  /// Starts `judges` - 1 threads, since the caller's judges as well. They inherit the caller's blocked signals. Requires judges >= 1.
  explicit Judges(int judges);
  ~Judges();
  Judges(const Judges&) = delete;
  Judges& operator=(const Judges&) = delete;

  /// The same as `record::batch_of`.
  [[nodiscard]] schema::Batch batch_of(const feed::Chunk& chunk, const Source& source, UnixTime now);

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;  ///< nullptr: the caller judges alone
};

}  // namespace blowback::record
