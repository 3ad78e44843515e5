// SIGTERM, SIGINT and SIGHUP as requests that the ingest loop reads between two chunks.
#pragma once

#include "record/ingest_loop.h"
#include "system/descriptor.h"

namespace blowback::daemon {

class Signals {
 public:
  /// Blocks the three signals in this thread and in those that it starts. To be constructed before any thread starts.
  Signals();

  /// Readable while a signal is pending.
  [[nodiscard]] int fd() const { return descriptor_.get(); }
  /// What the next pending signal requests: SIGHUP a reload, the others a stop.
  [[nodiscard]] record::Request next() const;

 private:
  Descriptor descriptor_;
};

}  // namespace blowback::daemon
