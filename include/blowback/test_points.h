// Test points: addresses that are always listed, so that clients can check that a list works (RFC 5782 §5): 127.0.0.N for each code N.
//
// They are in no database. A zone with chosen codes has the points of these only, and 127.0.0.2, which every list must have: there it has the first of the
// zone's codes if dsn, whose point it is, isn't one of them. Nothing else is ever listed at 127.0.0.1 and at the points, of whatever code.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/prefix.h"

#include <array>
#include <optional>
#include <vector>

namespace blowback {

struct TestPoint {
  IpAddress address;
  Code code;
};

/// Those of a zone with `codes`, in ascending order. Requires that `codes` isn't empty; likewise below.
[[nodiscard]] std::vector<TestPoint> test_points(CodeSet codes);
/// The code of the test point `address` there; absent: it is none.
[[nodiscard]] std::optional<Code> test_point(const IpAddress& address, CodeSet codes);
/// Whether `prefix` contains a test point. An IPv6 network does if it contains ::ffff:0:0/96.
[[nodiscard]] bool holds_test_point(const Prefix& prefix, CodeSet codes);

/// 127.0.0.1 and the test points of all codes, in ascending order: what listings say of them has no effect.
[[nodiscard]] const std::array<IpAddress, 1 + kAllCodes.size()>& never_listed();
/// Whether `address` is one of these.
[[nodiscard]] bool is_never_listed(const IpAddress& address);

}  // namespace blowback
