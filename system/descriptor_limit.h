// How many descriptors this process may have open.
#pragma once

#include <cstddef>

namespace blowback {

/// Raises the limit as far as a process may by itself: the soft limit (`ulimit -n`, often 1024) up to the hard one. Returns what it
/// is then. Where it can't be raised it stays. Call it before threads start; child processes inherit it.
std::size_t raise_descriptor_limit();

/// As it is now. Safe from any thread.
[[nodiscard]] std::size_t descriptor_limit();

}  // namespace blowback
