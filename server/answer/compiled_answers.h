// The zone's distinct answers in wire format: what stands behind the question, made by ldns once and copied ever after.
//
// There are few: one RRset of A records for each set of codes, the SOA and NS of the apex, and the SOA of every negative answer.
// Copied behind another question only two things in them differ: compression pointers into the question (they move with the
// length of what stands left of the apex) and the SOA's serial. The TXT is put together from its text's pieces.
// An immutable value, part of ServedZone.
#pragma once

#include "answer/served_zone.h"
#include "blowback/kind.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback::answer {

/// Records as they stand behind a question.
struct CompiledRecords {
  std::vector<std::uint8_t> octets;
  /// Where in `octets` a compression pointer stands that moves: to it, the octets left of the apex in the question are added.
  std::vector<std::uint16_t> pointers;
  std::optional<std::uint16_t> serial_at;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
};

class CompiledAnswers {
 public:
  /// Requires that `zone` is complete but for its own compiled answers.
  explicit CompiledAnswers(const ServedZone& zone);

  /// Requires a code in `codes`.
  [[nodiscard]] const CompiledRecords& a(CodeSet codes) const { return a_[codes.bits()]; }
  [[nodiscard]] const CompiledRecords& negative() const { return negative_; }
  [[nodiscard]] const CompiledRecords& soa() const { return soa_; }
  [[nodiscard]] const CompiledRecords& ns() const { return ns_; }
  /// The TXT's text: the address stands between each two of these.
  [[nodiscard]] const std::vector<std::string>& txt() const { return txt_; }
  [[nodiscard]] std::uint32_t ttl() const { return ttl_; }
  /// Labels right above the apex that stand in the names of the SOA or NS. A question with one of them has more to compress
  /// than the compiled records know; it is left to the plain path.
  [[nodiscard]] const std::vector<std::string>& labels_in_use() const { return labels_in_use_; }
  /// Whether none of these could be an octet of an address.
  [[nodiscard]] bool is_quick() const { return is_quick_; }

 private:
  std::array<CompiledRecords, 1U << kAllCodes.size()> a_;
  CompiledRecords negative_;
  CompiledRecords soa_;
  CompiledRecords ns_;
  std::vector<std::string> txt_;
  std::uint32_t ttl_ = 0;
  std::vector<std::string> labels_in_use_;
  bool is_quick_ = true;
};

}  // namespace blowback::answer
