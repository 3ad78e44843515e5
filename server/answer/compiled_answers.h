// The zone's distinct answers in wire format, without the question: ldns builds them once, and each reply is a copy.
//
// There are few: an RRset of A records for each set of codes, the SOA and NS of the apex, hosts' addresses, and the SOA of
// negative answers, in a variant for each name in it that may share labels with the question.
// A copy after another question differs in two things only: compression pointers into the question, which move with the length of
// the labels left of the apex, and the SOA's serial. The TXT is composed from the pieces of its text.
// An immutable value, part of ServedZone.
#pragma once

#include "answer/served_zone.h"
#include "blowback/kind.h"
#include "query.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blowback::answer {

/// The records after a question.
struct CompiledRecords {
  std::vector<std::uint8_t> octets;
  /// Octets left of the apex in the question that they were compiled for, and the places in `octets` of the compression pointers
  /// that move with them.
  std::size_t left = 0;
  std::vector<std::uint16_t> pointers;
  std::optional<std::uint16_t> serial_at;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
};

class CompiledAnswers {
 public:
  /// Requires that `zone` is complete, except for its compiled answers.
  explicit CompiledAnswers(const ServedZone& zone);

  /// Requires that `codes` isn't empty.
  [[nodiscard]] const CompiledRecords& a(CodeSet codes) const { return a_[codes.bits()]; }
  /// `left`: the labels left of the apex in the question. Those that they share with a name in the SOA are compressed as well.
  [[nodiscard]] const CompiledRecords& negative(Wire left) const;
  [[nodiscard]] const CompiledRecords& soa() const { return soa_; }
  [[nodiscard]] const CompiledRecords& ns() const { return ns_; }
  /// The addresses of the zone's `host`. Requires that it has at least one of that family.
  [[nodiscard]] const CompiledRecords& host(std::size_t host, Family family) const {
    return hosts_[host][static_cast<std::size_t>(family)];
  }
  /// Writes the TXT's text about an address or network, cut to `out`. Returns its length.
  std::size_t write_text(const Prefix& subject, std::span<std::uint8_t, 255> out) const;
  [[nodiscard]] std::uint32_t ttl() const { return ttl_; }

 private:
  std::array<CompiledRecords, 1U << kAllCodes.size()> a_;
  CompiledRecords negative_;
  /// For names that end in these labels directly above the apex; the longest first.
  struct Beneath {
    WireName labels;
    CompiledRecords negative;
  };
  std::vector<Beneath> beneath_;
  CompiledRecords soa_;
  CompiledRecords ns_;
  std::vector<std::array<CompiledRecords, 2>> hosts_;  // as in the zone, by Family
  std::vector<std::string> txt_;                       // pieces, between which the address is inserted
  std::uint32_t ttl_ = 0;
};

}  // namespace blowback::answer
