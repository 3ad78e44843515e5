// The parts of Store::keep_up, each a slice of a few hundredths of a second.
#pragma once

#include "store_impl.h"

#include <cstdint>

namespace blowback::schema {

/// Moves the next incidents of the former format; 0: there are none left. Convert.cc.
[[nodiscard]] std::uint64_t convert_slice(Store::Impl& impl, UnixTime now, const Retention& retention);

/// Sums the next incidents up for `top`; 0: none have come since or, where it `waits`, too few to be worth it. Summary.cc.
[[nodiscard]] std::uint64_t summarize_slice(Store::Impl& impl, bool any_reverse_path, bool waits);

}  // namespace blowback::schema
