// The addresses that are always listed, so that clients can tell a working list (RFC 5782 §5): 127.0.0.N for each code N.
//
// They stand in no database. 127.0.0.1 is the counter-example: never listed, whatever the database says.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/prefix.h"

#include <optional>

namespace blowback::answer {

/// The code by which `address` is always listed; absent: it is no test point.
[[nodiscard]] std::optional<Code> test_point(const IpAddress& address);
/// 127.0.0.1.
[[nodiscard]] bool is_never_listed(const IpAddress& address);
/// Whether a test point lies within `prefix`; of an IPv6 network, whether all of ::ffff:0:0/96 does.
[[nodiscard]] bool holds_test_point(const Prefix& prefix);

}  // namespace blowback::answer
