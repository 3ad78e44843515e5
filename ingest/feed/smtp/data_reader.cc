// A state machine of five states. Text up to the next CR is copied at once.
#include "data_reader.h"

#include <algorithm>

namespace blowback::smtp {

DataReader::Read DataReader::read(std::string_view input, std::string& message) {
  std::size_t i = 0;
  while (i < input.size()) {
    const char c = input[i];
    switch (at_) {
      case At::text: {
        const auto end = std::min(input.find('\r', i), input.size());
        message.append(input, i, end - i);
        i = end;
        if (i < input.size()) {
          message += '\r';
          ++i;
          at_ = At::cr;
        }
        continue;
      }
      case At::line_start:
        if (c == '.') {
          at_ = At::dot;
          break;
        }
        at_ = At::text;
        continue;
      case At::cr:
        if (c == '\n') {
          message += c;
          at_ = At::line_start;
          break;
        }
        at_ = At::text;
        continue;
      case At::dot:
        if (c == '\r') {
          at_ = At::dot_cr;
          break;
        }
        // A stuffed dot: more text follows on the line.
        at_ = At::text;
        continue;
      case At::dot_cr:
        if (c == '\n') {
          at_ = At::line_start;
          return {.octets = i + 1, .ended = true};
        }
        // The line goes on after a bare CR, so the dot was stuffed. This octet may be another CR.
        message += '\r';
        at_ = At::text;
        continue;
    }
    ++i;
  }
  return {.octets = i, .ended = false};
}

}  // namespace blowback::smtp
