// What a visitor asks about: an address or a network, in whatever spelling.
#pragma once

#include "blowback/prefix.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace blowback::page {

/// No spelling of an address or network is longer, with brackets and a few blanks.
inline constexpr std::size_t kLongestAsked = 64;

/// `192.0.2.1`, `2001:DB8::1`, `[2001:db8:0:0::1]`, `::ffff:192.0.2.1`, `192.0.2.0/24`; blanks around it are ignored, and host bits of a network
/// cleared, since a visitor may know an address of a network and its length. Fails with a clause on anything else. Pure.
[[nodiscard]] std::expected<Prefix, AddressError> read_asked(std::string_view text);

/// The path of its page: `/192.0.2.1`, `/2001:db8::/64`. One network has one path. Pure.
[[nodiscard]] std::string path_of(const Prefix& asked);

}  // namespace blowback::page
