// The octets after DATA: finds their end and takes the stuffed dots away (RFC 5321 §4.5.2).
//
// A line ends at CR LF and nowhere else, and the data end at CR LF . CR LF and nowhere else: whoever takes a bare LF for an end
// lets a stranger smuggle a second message in under another's name. A bare CR or LF is data like any other octet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace blowback::smtp {

class DataReader {
 public:
  struct Taken {
    std::size_t octets = 0;  ///< of the input; less than all only where the end is reached
    bool ended = false;
  };

  /// Appends what `input` holds of the message to `message`.
  Taken take(std::string_view input, std::string& message);

 private:
  enum class At : std::uint8_t { line_start, dot, dot_cr, text, cr };
  At at_ = At::line_start;
};

}  // namespace blowback::smtp
