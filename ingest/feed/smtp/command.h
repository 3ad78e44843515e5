// Parses command lines: the verb, and the arguments of those verbs that have any.
//
// RFC 5321 §4.1, with parameters of RFC 1870 (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 3030 (CHUNKING), and Postfix's XCLIENT and
// XFORWARD. Pure. Lines are hostile input: at most kMostLine long, and parsed strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::smtp {

/// Octets of a command line with its CRLF. RFC 5321 §4.5.3.1.4 asks for 512, extensions for more.
inline constexpr std::size_t kMostLine = 4096;

enum class Verb : std::uint8_t {
  helo,
  ehlo,
  lhlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  starttls,
  xclient,
  xforward,
  http,  ///< GET, POST, CONNECT…: a web browser that was tricked into connecting to us
  unknown,
};

struct Command {
  Verb verb = Verb::unknown;
  std::string_view argument;  ///< without white space around it; a part of the line
};

/// `line` without its CRLF. Verbs in any case.
[[nodiscard]] Command parse_command(std::string_view line);

/// The reply to an argument that is refused.
struct Refusal {
  int code = 501;
  std::string text;  ///< with its enhanced status code (RFC 3463): `5.5.4 what is wrong`
};

/// MAIL's or RCPT's argument.
struct Path {
  std::string address;                ///< without angle brackets and source route; "": the null reverse-path
  std::optional<std::uint64_t> size;  ///< SIZE=, octets
  bool utf8 = false;                  ///< SMTPUTF8
};

/// `FROM:<path> parameters`.
[[nodiscard]] std::expected<Path, Refusal> parse_mail(std::string_view argument);
/// `TO:<path>`. `utf8`: the transaction is SMTPUTF8.
[[nodiscard]] std::expected<Path, Refusal> parse_rcpt(std::string_view argument, bool utf8);

struct Bdat {
  std::uint64_t size = 0;  ///< octets that follow the line
  bool last = false;
};

[[nodiscard]] std::expected<Bdat, Refusal> parse_bdat(std::string_view argument);

struct Attribute {
  std::string name;                  ///< upper case
  std::optional<std::string> value;  ///< absent: `[UNAVAILABLE]` or `[TEMPUNAVAIL]`
};

/// XCLIENT's and XFORWARD's `NAME=value …`, values in xtext (RFC 3461 §4).
[[nodiscard]] std::expected<std::vector<Attribute>, Refusal> parse_attributes(std::string_view argument);

}  // namespace blowback::smtp
