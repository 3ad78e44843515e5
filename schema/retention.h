// Parts of Store::keep_up, each a slice of a few hundredths of a second.
#pragma once

#include "store_impl.h"

#include <cstdint>

namespace blowback::schema {

/// Converts the next incidents of the former format and returns how many; 0: there are none left. See convert.cc.
[[nodiscard]] std::uint64_t convert_slice(Store::Impl& impl, UnixTime now, const Retention& retention);

/// Adds the next incidents to the daily totals for `top` and returns how many; 0: there are none, or with `waits` too few. See summary.cc.
[[nodiscard]] std::uint64_t summarize_slice(Store::Impl& impl, bool any_reverse_path, bool waits);

}  // namespace blowback::schema
