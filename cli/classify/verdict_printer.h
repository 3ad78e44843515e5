// How `blowback classify` prints: a line per message, for people with the reasons below it; or a JSON object per line.
#pragma once

#include "blowback/trap_delivery.h"
#include "blowback/verdict.h"
#include "mail/received_chain.h"
#include "mail_reader.h"

#include <cstdint>
#include <cstdio>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// From where a part of the envelope is known.
enum class EnvelopeSource : std::uint8_t { option, json_line, from_line, return_path, received, header };
/// `option`, `json_line`, `from_line`…
[[nodiscard]] std::string_view name_of(EnvelopeSource source);

/// A message with all that is known of it.
struct Judged {
  Verdict verdict;
  std::uint64_t size = 0;  ///< octets
  std::expected<mail::Client, mail::Doubt> client = std::unexpected(mail::Doubt{});
  EnvelopeSource client_source = EnvelopeSource::received;
  std::optional<std::string> mail_from;  ///< "": the null reverse-path; absent: unknown
  EnvelopeSource mail_from_source = EnvelopeSource::return_path;
  std::vector<std::string> recipients;  ///< that the judge took for the traps
  EnvelopeSource recipients_source = EnvelopeSource::header;
};

enum class Printing : std::uint8_t { lines, explained, json };

class VerdictPrinter {
 public:
  /// `out` must outlive it.
  VerdictPrinter(std::FILE* out, Printing printing) : out_(out), printing_(printing) {}

  void judged(const Place& place, const Judged& judged) const;
  /// There is no verdict. `reason`: as the quarantine names it; `text`: for a person.
  void failed(const Place& place, std::string_view reason, std::string_view text) const;

 private:
  std::FILE* out_;
  Printing printing_;
};

}  // namespace blowback::cli
