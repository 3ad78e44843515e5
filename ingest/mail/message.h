// A message taken apart into plain values: header fields, MIME parts, decoded text. GMime works behind this door.
//
// Written for input by strangers: everything has a bound, and what breaks a bound is said, not guessed at.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

struct Limits {
  std::size_t message = 32U << 20U;    ///< octets of a whole message; a larger one fails as `too_large`
  std::size_t header_fields = 10'000;  ///< in all parts together; more fail as `too_many_fields`
  int depth = 50;                      ///< nested multiparts and messages; deeper fails as `too_deep`
  std::size_t parts = 1'000;           ///< more fail as `too_many_parts`
};

struct Field {
  std::string name;   ///< as written
  std::string value;  ///< unfolded, blanks around it removed, encoded words (RFC 2047) *not* decoded
};

/// One node of the MIME tree.
struct Part {
  int depth = 0;            ///< 0 is the message's own body
  std::string type;         ///< lower case, `text/plain` where the header says nothing (RFC 2045 §5.2)
  std::string report_type;  ///< the Content-Type's report-type parameter, lower case
  std::string file_name;    ///< of Content-Disposition or Content-Type, decoded; "" where none
  bool is_attachment = false;
  std::vector<Field> fields;  ///< the part's own header; for the root part: empty, see Message::fields
  /// For text/* and message/*-status kinds of leaf parts: the octets as they came; `text_of` decodes them. For other leaves:
  /// empty. A message/rfc822 part is followed by the parts of the message in it.
  std::string_view body;
  std::string encoding;  ///< Content-Transfer-Encoding, as written
  std::string charset;   ///< as written
  /// For message/rfc822 and message/global parts: that message's header fields.
  std::vector<Field> enclosed_fields;
};

/// Points into the bytes that were parsed, which must outlive it. Movable, not copyable.
struct Message {
  std::vector<Field> fields;  ///< top to bottom
  std::vector<Part> parts;    ///< in the order of the text, a node before its children; never empty
  /// Enclosed messages that came in base64 or quoted-printable, undone: some parts point in here.
  std::vector<std::unique_ptr<const std::string>> unpacked;
};

struct Text {
  std::string text;
  bool cut = false;  ///< there was more
};
/// A part's body undone and in UTF-8: what can't be is replaced by U+FFFD. At most `most` octets are read into it. Done only
/// for parts that somebody looks at: of a returned mail nobody does.
[[nodiscard]] Text text_of(const Part& part, std::size_t most = 256U << 10U);

struct MessageError {
  enum class Code : std::uint8_t {
    empty,
    too_large,
    too_deep,
    too_many_parts,
    too_many_fields,
    nul_in_header,
    malformed
  };
  Code code = Code::malformed;
  std::string text;  ///< with the figure and the limit
};

/// `too-deep`, `nul-in-header`: the quarantine's reasons.
[[nodiscard]] std::string_view name_of(MessageError::Code code);

/// Safe from any thread. Time is linear in the size, memory a small multiple of it.
[[nodiscard]] std::expected<Message, MessageError> parse(std::string_view bytes, const Limits& limits);
/// Of a string that is gone afterwards: no.
template <std::same_as<std::string> Temporary>
std::expected<Message, MessageError> parse(Temporary&& bytes, const Limits& limits) = delete;

/// The header fields alone, cheaply and without GMime: for the trace and the envelope. Folding is undone.
/// Stops at the first empty line or at `limits`.
[[nodiscard]] std::expected<std::vector<Field>, MessageError> parse_header(std::string_view bytes,
                                                                           const Limits& limits);

/// Whether the field has that name, case ignored.
[[nodiscard]] bool is_named(const Field& field, std::string_view name);
/// The first field of that name, case ignored, or nullptr.
[[nodiscard]] const std::string* find(const std::vector<Field>& fields, std::string_view name);

/// RFC 2047 words to UTF-8.
[[nodiscard]] std::string decoded(std::string_view value);
/// The first address in an address field, lower case domain, without angle brackets; "" if there is none.
[[nodiscard]] std::string first_address(std::string_view value);

}  // namespace blowback::mail
