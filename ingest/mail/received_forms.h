// Which of the known forms a Received: field has: the part before `by`, with the client, and the part from `by` on. The rules by which a
// field is believed are in received_field.cc. Private to the room.
#pragma once

#include "blowback/ip_address.h"
#include "received_words.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

using Words = std::vector<Word>;

/// The part of the field before `by`.
struct Origin {
  std::string_view helo;
  std::string_view name;  ///< confirmed by the writer
  std::optional<IpAddress> client;
  bool local_handover = false;
  bool is_submission = false;  ///< the writer names the user who authenticated
  /// The parts of the field whose addresses are explained.
  std::vector<std::string_view> explained;
};

/// The part of the field from `by` on.
struct Destination {
  std::string_view by;
  std::string with;
  std::string_view id;
  std::string_view recipient;
  std::vector<std::string_view> comments;
  std::string_view own_address;       ///< the comment or literal with the writer's own address; empty: none
  bool ends_after_name = false;       ///< `by NAME ; date`
  bool has_protocol_at_once = false;  ///< `by NAME with …`
};

/// Parses what follows `by`; `words` begins with the word after it. Absent: nothing follows.
[[nodiscard]] std::optional<Destination> destination_in(std::span<const Word> words, Backslash backslash);

/// Parses what precedes `by`, including `from`; empty if the field begins with `by`. Absent: it has no known form.
[[nodiscard]] std::optional<Origin> origin_in(std::span<const Word> words, const Destination& to, Backslash backslash);

/// `(qmail 123 invoked from network); date`: qmail-queue's line. The next one, by qmail-smtpd, names the client. `words` isn't empty.
[[nodiscard]] bool is_qmail_queue(std::span<const Word> words, Backslash backslash);

/// Whether a comment of the writer begins with `beginning`.
[[nodiscard]] bool has_comment(const Destination& to, std::string_view beginning);
[[nodiscard]] bool is_lmtp(const Destination& to);

/// Whether a mail server wrote the line, not a content filter: `with` names a network protocol, or the product is known to leave it out.
[[nodiscard]] bool is_mail_server(const Destination& to);

}  // namespace blowback::mail
