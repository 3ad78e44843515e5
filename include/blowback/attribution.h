// Whether a delivery counts against the client that delivered it: the recorded facts, and the rule.
//
// A delivery counts only if it has a null reverse-path and the client created it. Everything else is judged and recorded,
// but adds nothing to a score. The facts are recorded with the incident, so that another policy can be applied to them later.
// Who can write which fact: docs/decisions.md, "Threat model".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace blowback {

/// The reverse-path as the envelope had it (RFC 5321 §4.5.5).
enum class ReversePath : std::uint8_t {
  null,     ///< `<>`
  set,      ///< an address
  unknown,  ///< the feed doesn't know it
};

/// The evidence that the client relayed a message instead of creating it.
enum class Relayed : std::uint8_t {
  no,            ///< no evidence: the client created the message
  trace,         ///< a Received: field below our own names a client outside the accused server's network
  submission,    ///< a Received: field below our own says that a user submitted it (RFC 3848: authenticated)
  mailing_list,  ///< List-* fields (RFC 2369, RFC 2919)
  forwarder,     ///< Resent-*, X-Forwarded-* fields or an ARC set (RFC 8617)
  recipient,     ///< it was also addressed to a recipient that is no trap
};

/// Whether an incident counts against its client, and if not, the first reason that applies.
enum class Counting : std::uint8_t {
  counted,
  relayed,               ///< the client relayed it
  doubtful_boundary,     ///< from an mbox in which anybody can forge the beginning of a message
  set_reverse_path,      ///< the envelope shows that it is no automatic message
  unknown_reverse_path,  ///< the feed doesn't know the reverse-path
};

/// Whether a delivery with these facts counts against its client. `any_reverse_path`: Policy::any_reverse_path. Pure.
[[nodiscard]] Counting counting_of(ReversePath reverse_path, Relayed relayed, bool doubtful_boundary,
                                   bool any_reverse_path);

/// `null`, `set`, `unknown`.
[[nodiscard]] std::string_view name_of(ReversePath path);
/// `no`, `trace`, `submission`, `mailing-list`, `forwarder`, `recipient`.
[[nodiscard]] std::string_view name_of(Relayed relayed);
/// `counted`, `relayed`, `doubtful-boundary`, `set-reverse-path`, `unknown-reverse-path`.
[[nodiscard]] std::string_view name_of(Counting counting);
/// The reason in words, as a clause; `counted` if it counts.
[[nodiscard]] std::string_view in_words(Counting counting);

}  // namespace blowback
