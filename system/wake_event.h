// Wakes a thread that waits in poll(2) or epoll_wait(2), from any other thread.
#pragma once

#include "system/descriptor.h"

namespace blowback {

class WakeEvent {
 public:
  WakeEvent();  ///< not open if the system has no descriptor left
  [[nodiscard]] bool is_open() const { return event_.is_open(); }
  /// Becomes readable by `wake`, and stays so until `clear`. To be watched, not to be read.
  [[nodiscard]] int fd() const { return event_.get(); }
  /// Safe from any thread.
  void wake() const;
  /// For a thread that can be woken for several reasons: call it before looking for them, so that none is missed.
  void clear() const;

 private:
  Descriptor event_;
};

}  // namespace blowback
