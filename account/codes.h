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

/// The answer of a zone with all codes for 127.0.0.1 and for the test points, whatever is listed. Absent for any other address.
[[nodiscard]] std::optional<CodeSet> always_answered(const IpAddress& address);

}  // namespace blowback::account
