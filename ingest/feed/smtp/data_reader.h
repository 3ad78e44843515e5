// Reads the octets after DATA: finds their end and removes stuffed dots (RFC 5321 §4.5.2).
//
// A line ends at CR LF only, and the message at CR LF . CR LF only. To accept a bare LF there allows SMTP smuggling: a second message that
// seems to come from the same client. A bare CR or LF is an octet of the message like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace blowback::smtp {

class DataReader {
 public:
  struct Read {
    std::size_t octets = 0;  ///< of the input that were read: all, unless the message ended
    bool ended = false;
  };

  /// Appends the message's octets in `input` to `message`.
  Read read(std::string_view input, std::string& message);

 private:
  enum class At : std::uint8_t { line_start, dot, dot_cr, text, cr };
  At at_ = At::line_start;
};

}  // namespace blowback::smtp
