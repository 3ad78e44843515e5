// The limit on this process's open descriptors.
#pragma once

#include <cstddef>

namespace blowback {

/// Raises the soft limit (`ulimit -n`, often 1024) to the hard limit, if possible. Returns the resulting limit. To be called before threads
/// start; child processes inherit it.
std::size_t raise_descriptor_limit();

/// The current limit. Safe from any thread.
[[nodiscard]] std::size_t descriptor_limit();

}  // namespace blowback
