// Whether two servers of one zone answer alike, for `conform --compare`.
#pragma once

#include "config/config.h"
#include "dns/compared_names.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback::cli {

/// One thing in which the answers to a question differ.
struct Difference {
  Question question;
  std::string part;                   ///< `RCODE`, `AA`, `answer`, `authority` or `reply`
  std::array<std::string, 2> theirs;  ///< of each server; of records: those that the other server hasn't got
};

struct Compared {
  std::optional<std::uint32_t>
      serial;  ///< at which the last answers were compared; absent: the servers never had the same
  std::vector<Difference> differences;  ///< in the order of the questions
  std::size_t unsettled = 0;  ///< questions whose answers differ, though the serials weren't the same all the time
  std::string failure;        ///< why nothing was compared, or not all was settled; "": all was
};

struct ComparisonTime {
  std::chrono::milliseconds for_serials{30'000};  ///< for the servers to get the same serial
  std::chrono::milliseconds in_all{120'000};
};

/// Asks both servers the same questions, several at a time. A difference counts only if both had one serial before and after, since equal serials
/// have to mean equal zones; otherwise the question is asked again. Compares RCODE, AA, and the answer and authority sections with their TTLs, in
/// any order and letter case. Two answers to a query for ANY may have different RRsets (RFC 8482 §4.1), and an answer with records may have the zone's NS
/// in its authority section or not. Takes at most `time.in_all` and four seconds.
[[nodiscard]] Compared compare(const std::array<config::Endpoint, 2>& servers, const std::string& zone,
                               const std::vector<Question>& questions, const ComparisonTime& time = {});

}  // namespace blowback::cli
