// The lexical side of a Received: field: words and comments (RFC 5322 §3.2.2), address literals, addresses anywhere.
//
// Knows no mail server's form; those are received_field.cc. Private to the room.
#pragma once

#include "blowback/ip_address.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

/// A word between blanks, or a comment without its outer parentheses. `text` points into the field.
struct Word {
  std::string_view text;
  bool is_comment = false;
  bool glued = false;  ///< no blank before it: `SMTPSVC(6.0)`
};

/// How a backslash is read. RFC 5322 quotes the next character by it, but many writers copy strangers' text unquoted.
enum class Backslash : std::uint8_t { quotes, is_plain };

/// Cuts `text` into words and comments. Quotation marks mean nothing: writers copy them from strangers too.
/// Fails where parentheses don't match, or nest deeper than 16.
[[nodiscard]] std::expected<std::vector<Word>, std::string> words_of(std::string_view text, Backslash backslash);

/// An address without brackets; the tag `IPv6:` (RFC 5321 §4.1.3) and a zone id (`%12`) are taken off.
[[nodiscard]] std::optional<IpAddress> bare_address(std::string_view text);
/// `[192.0.2.1]`, `[IPv6:2001:db8::1]`, with or without `:PORT` behind.
[[nodiscard]] std::optional<IpAddress> address_literal(std::string_view text);

/// 127.0.0.0/8 and ::1: the writer's own host.
[[nodiscard]] bool is_loopback(const IpAddress& address);

/// Every address that stands in `text` by itself, as the part of `text` it takes. Addresses within a longer name
/// (`host-192.0.2.9.example.net`) don't count.
[[nodiscard]] std::vector<std::string_view> addresses_in(std::string_view text);

/// How often `word` stands between blanks, parentheses or the ends, in comments too, case ignored.
[[nodiscard]] int occurrences(std::string_view text, std::string_view word);

[[nodiscard]] bool is_same(std::string_view a, std::string_view b);         ///< case ignored, ASCII
[[nodiscard]] bool begins(std::string_view text, std::string_view prefix);  ///< likewise
[[nodiscard]] std::string upper(std::string_view text);                     ///< ASCII

}  // namespace blowback::mail
