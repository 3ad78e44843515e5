// Whether a delivery counts against the client that brought it: the facts on record, and the rule.
//
// A delivery counts only if it has a null reverse-path and the client created it. Everything else is judged and recorded,
// and adds nothing to a score. The facts are recorded with the incident, so that another policy can be tried on them later.
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

/// How it shows that a message was passed on by the client, and not created there.
enum class Relayed : std::uint8_t {
  no,            ///< nothing shows it: the client created the message
  trace,         ///< a Received: field below our own names a client outside the accused server's network
  submission,    ///< a Received: field below our own says that a user submitted it (RFC 3848: authenticated)
  mailing_list,  ///< List-* fields (RFC 2369, RFC 2919)
  forwarder,     ///< Resent-*, X-Forwarded-* fields or an ARC set (RFC 8617)
  recipient,     ///< it was addressed to somebody who is no trap
};

/// Whether an incident counts against its client, and if it doesn't, why. The first that applies.
enum class Counting : std::uint8_t {
  counted,
  relayed,               ///< passed on by the client
  doubtful_boundary,     ///< from an mbox whose message boundaries anybody can forge
  set_reverse_path,      ///< not an automatic message by its envelope
  unknown_reverse_path,  ///< the feed can't tell
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
/// Why it doesn't count, as a clause for a person; `counted` for what does.
[[nodiscard]] std::string_view in_words(Counting counting);

}  // namespace blowback
