// Codes as commands print them, and what the zone always answers.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"

#include <optional>
#include <string>
#include <vector>

namespace blowback::account {

/// `dsn`, `auto_reply`, in the order of the answers.
[[nodiscard]] std::vector<std::string> names_of(CodeSet codes);
/// `127.0.0.2`, in the same order: the A records of the answer.
[[nodiscard]] std::vector<std::string> answers_of(CodeSet codes);

/// An address that the zone always answers with this code (RFC 5782 §5, and one for each further code).
struct TestPoint {
  IpAddress address;
  Code code;
};
/// In ascending order.
[[nodiscard]] std::vector<TestPoint> test_points();
/// The answer for 127.0.0.1 and for the test points, whatever is listed. Absent for any other address.
[[nodiscard]] std::optional<CodeSet> always_answered(const IpAddress& address);

}  // namespace blowback::account
