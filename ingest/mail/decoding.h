// Octets of a part to UTF-8 text: transfer encoding (RFC 2045 §6), charset, encoded words (RFC 2047). GMime does the work.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace blowback::mail {

// All of these are safe from any thread.

/// What a Content-Type says; "" where it doesn't.
struct ContentType {
  std::string type;  ///< lower case; "" where the field makes no sense
  std::string charset;
  std::string boundary;
  std::string report_type;  ///< lower case
  std::string name;         ///< decoded
  friend bool operator==(const ContentType&, const ContentType&) = default;
};

/// What GMime makes of it. A value that is as plain as most are, `text/plain; charset="utf-8"`, is read without it, since
/// GMime makes objects of each parameter; a unit test holds both to the same.
[[nodiscard]] ContentType parse_content_type(std::string_view value);
[[nodiscard]] ContentType parse_content_type_by_gmime(std::string_view value);
/// Lower-case disposition, and the decoded file name.
struct Disposition {
  std::string kind;
  std::string file_name;
};
[[nodiscard]] Disposition parse_disposition(std::string_view value);

/// Undoes base64, quoted-printable or uuencode; what is broken is passed over. At most `limit` octets come out and
/// `cut` is set if there was more. Any other encoding: the octets as they are.
[[nodiscard]] std::string transfer_decoded(std::string_view octets, std::string_view encoding, std::size_t limit,
                                           bool& cut);
/// Whether `transfer_decoded` would change anything.
[[nodiscard]] bool is_encoded(std::string_view encoding);

/// To UTF-8, always valid: an unknown charset is guessed, what can't be converted becomes U+FFFD.
[[nodiscard]] std::string to_utf8(std::string octets, std::string_view charset);

}  // namespace blowback::mail
