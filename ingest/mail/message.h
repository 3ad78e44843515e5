// Parses a message into plain values: header fields, MIME parts, decoded text.
//
// Messages are hostile input: everything is bounded, and a message that exceeds a bound is an error.
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
  std::string name;  ///< as written
  /// Unfolded, without white space around it and without NUL octets; encoded words (RFC 2047) *not* decoded.
  std::string value;
};

/// One node of the MIME tree.
struct Part {
  int depth = 0;            ///< 0 is the message's own body
  std::string type;         ///< lower case; `text/plain` by default (RFC 2045 §5.2)
  std::string report_type;  ///< the Content-Type's report-type parameter, lower case
  std::string file_name;    ///< of Content-Disposition or Content-Type, decoded; "": none
  bool is_attachment = false;
  std::vector<Field> fields;  ///< the part's own header; empty for the root part, see Message::fields
  /// For leaf parts of type text/* and message/*-status: the octets as received, which `text_of` decodes. Empty for other leaf parts. A
  /// message/rfc822 part is followed by the parts of its message.
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
  /// Enclosed messages that were in base64 or quoted-printable, decoded: some parts refer to them.
  std::vector<std::unique_ptr<const std::string>> unpacked;
};

struct Text {
  std::string text;
  bool cut = false;  ///< there was more
};
/// A part's body, decoded and converted to UTF-8 with U+FFFD for what can't be, from at most `most` octets. Called only for the parts whose
/// text is needed.
[[nodiscard]] Text text_of(const Part& part, std::size_t most = 256U << 10U);

struct MessageError {
  enum class Code : std::uint8_t { empty, too_large, too_deep, too_many_parts, too_many_fields, malformed };
  Code code = Code::malformed;
  std::string text;  ///< with the value and the limit
};

/// `too-deep`, `too-many-parts`: as the quarantine names it.
[[nodiscard]] std::string_view name_of(MessageError::Code code);

/// Safe from any thread. Time is linear in the size, memory a small multiple of it.
[[nodiscard]] std::expected<Message, MessageError> parse(std::string_view bytes, const Limits& limits);
/// Not of a temporary, since the result refers to it.
template <std::same_as<std::string> Temporary>
std::expected<Message, MessageError> parse(Temporary&& bytes, const Limits& limits) = delete;

/// The header fields alone, unfolded; faster than `parse`. Ends at the first empty line or at `limits`.
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
