// Test points: addresses that are always listed, so that clients can check that a list works (RFC 5782 §5): 127.0.0.N for each code N.
//
// They are in no database. 127.0.0.1 is never listed, whatever the database contains.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/prefix.h"

#include <optional>

namespace blowback::answer {

/// The code of the test point `address`; absent: it is none.
[[nodiscard]] std::optional<Code> test_point(const IpAddress& address);
/// 127.0.0.1.
[[nodiscard]] bool is_never_listed(const IpAddress& address);
/// Whether `prefix` contains a test point. An IPv6 network does if it contains ::ffff:0:0/96.
[[nodiscard]] bool holds_test_point(const Prefix& prefix);

}  // namespace blowback::answer
