// How long this machine has been awake since it booted, and which boot that was: time that nobody can set.
#pragma once

#include "blowback/unix_time.h"

#include <cstdint>
#include <optional>

namespace blowback {

struct Uptime {
  /// The first 64 bits of the kernel's random id of this boot; absent where /proc/sys can't be read, as in a unit with ProcSubset=pid.
  std::optional<std::uint64_t> boot;
  /// Without the time that the machine slept: the kernel adds that by the clock of the board, which can be wrong.
  Duration awake{};
};

/// Asks the kernel itself, so that a library that fakes the clocks of a program (libfaketime) doesn't fake this one.
[[nodiscard]] Uptime read_uptime();

}  // namespace blowback
