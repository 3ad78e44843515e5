#include "system/wake_event.h"

#include <cstdint>
#include <sys/eventfd.h>

namespace blowback {

WakeEvent::WakeEvent() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void WakeEvent::wake() const {
  const std::uint64_t one = 1;
  // This fails only once 2^64-2 have been written.
  static_cast<void>(write(event_.get(), &one, sizeof one));
}

void WakeEvent::clear() const {
  std::uint64_t times = 0;
  // This fails only if nobody has called `wake`.
  static_cast<void>(read(event_.get(), &times, sizeof times));
}

}  // namespace blowback
