// The lexical part of Received: fields: words and comments (RFC 5322 §3.2.2), address literals, and addresses anywhere. The forms of mail
// servers are in received_field.cc. Private to the room.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/text.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

/// A word between white space, or a comment without its outer parentheses. `text` refers to the field.
struct Word {
  std::string_view text;
  bool is_comment = false;
  bool glued = false;  ///< without white space before it: `SMTPSVC(6.0)`
};

/// The meaning of a backslash. In RFC 5322 it quotes the next character, but many writers copy strangers' text unquoted.
enum class Backslash : std::uint8_t { quotes, is_plain };

/// Splits `text` into words and comments. Quotation marks have no meaning: writers copy them from strangers, too. Fails if parentheses don't
/// match, or nest deeper than 16.
[[nodiscard]] std::expected<std::vector<Word>, std::string> words_of(std::string_view text, Backslash backslash);

/// An address without brackets. The tag `IPv6:` (RFC 5321 §4.1.3) and a zone id (`%12`) are ignored.
[[nodiscard]] std::optional<IpAddress> bare_address(std::string_view text);
/// `[192.0.2.1]`, `[IPv6:2001:db8::1]`, with or without `:PORT` after it.
[[nodiscard]] std::optional<IpAddress> address_literal(std::string_view text);

/// 127.0.0.0/8 and ::1: the writer's own host.
[[nodiscard]] bool is_loopback(const IpAddress& address);

/// Every address in `text` that isn't part of a longer name (`host-192.0.2.9.example.net`), as parts of `text`.
[[nodiscard]] std::vector<std::string_view> addresses_in(std::string_view text);

/// How often `word` appears between white space, parentheses or the ends, including comments. Case is ignored.
[[nodiscard]] int occurrences(std::string_view text, std::string_view word);

[[nodiscard]] bool begins(std::string_view text, std::string_view prefix);  ///< case ignored, ASCII
[[nodiscard]] std::string upper(std::string_view text);                     ///< ASCII

}  // namespace blowback::mail
