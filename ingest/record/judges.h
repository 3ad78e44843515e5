// Threads that judge: a chunk of a feed becomes a batch as `take_in` makes it, by several at once.
//
// A chunk is cut into stretches of a few items. Whoever is free takes the next one, and the stretches are put together in their order, so
// the batch is the same for any number of judges. One thread, the caller's, goes on to write it to the database.
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
  /// The caller is one of them, so a single judge is no thread of its own. Requires 1 or more. The threads take over which signals the
  /// caller blocks.
  explicit Judges(int judges);
  ~Judges();
  Judges(const Judges&) = delete;
  Judges& operator=(const Judges&) = delete;

  /// The same as `record::take_in`.
  [[nodiscard]] schema::Batch take_in(const feed::Chunk& chunk, const Source& source, UnixTime now);

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;  ///< of the other judges
};

}  // namespace blowback::record
