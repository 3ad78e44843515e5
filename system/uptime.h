// How long this machine has been awake since it booted, and the id of that boot: a time that nobody can set.
#pragma once

#include "blowback/unix_time.h"

#include <cstdint>
#include <optional>

namespace blowback {

struct Uptime {
  /// The first 64 bits of the kernel's random id of this boot; absent if /proc/sys can't be read, as in a unit with ProcSubset=pid.
  std::optional<std::uint64_t> boot;
  /// Without the time in which the machine slept: the kernel takes that from the board's clock, which can be wrong.
  Duration awake{};
};

/// Calls the kernel directly, so that libraries which fake a program's clocks (libfaketime) don't fake this one.
[[nodiscard]] Uptime read_uptime();

}  // namespace blowback
