// The names and types that `conform --compare` asks two servers of one zone: those at which servers may differ.
#pragma once

#include "blowback/prefix.h"
#include "dns/client.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

struct Question {
  std::string name;  ///< in presentation format, without the final dot
  RecordType type = RecordType::a;
  friend bool operator==(const Question&, const Question&) = default;
};

/// `A`, `TXT`, …, `TYPE65280`.
[[nodiscard]] std::string name_of(RecordType type);

/// The apex, the test points and what is above them, each with all types; then `count` random names. Most of those are addresses in or next to one
/// of `networks` (listed or exempt; empty: anywhere), written as IPv4 or in nibbles, in either letter case. Some are cut to an empty non-terminal,
/// others have labels that no address has. The same for the same seed. Pure.
[[nodiscard]] std::vector<Question> draw_questions(std::string_view zone, const std::vector<Prefix>& networks,
                                                   std::size_t count, std::uint64_t seed);

}  // namespace blowback::cli
