// From a part's octets to UTF-8 text: transfer encoding (RFC 2045 §6), charset, encoded words (RFC 2047). By GMime.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace blowback::mail {

// All of these are safe from any thread.

/// The parts of a Content-Type; "": it doesn't have them.
struct ContentType {
  std::string type;  ///< lower case; "": the field is malformed
  std::string charset;
  std::string boundary;
  std::string report_type;  ///< lower case
  std::string name;         ///< decoded
  friend bool operator==(const ContentType&, const ContentType&) = default;
};

/// Parses by GMime. Simple values such as `text/plain; charset="utf-8"`, which most are, are parsed without it, since GMime allocates an
/// object per parameter; a unit test checks that the results are the same.
[[nodiscard]] ContentType parse_content_type(std::string_view value);
[[nodiscard]] ContentType parse_content_type_by_gmime(std::string_view value);
/// Lower-case disposition, and the decoded file name.
struct Disposition {
  std::string kind;
  std::string file_name;
};
[[nodiscard]] Disposition parse_disposition(std::string_view value);

/// Decodes base64, quoted-printable or uuencode, and skips what is malformed. Returns at most `limit` octets, and sets `cut` if there was
/// more. With any other encoding it returns the octets as they are.
[[nodiscard]] std::string transfer_decoded(std::string_view octets, std::string_view encoding, std::size_t limit,
                                           bool& cut);
/// Whether `transfer_decoded` would change anything.
[[nodiscard]] bool is_encoded(std::string_view encoding);

/// Valid UTF-8: an unknown charset is guessed, and what can't be converted becomes U+FFFD.
[[nodiscard]] std::string to_utf8(std::string octets, std::string_view charset);

}  // namespace blowback::mail
