#include "words.h"

#include <cstddef>

namespace blowback::detect {
std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool contains_ignoring_case(std::string_view text, std::string_view what) {
  if (what.empty()) return true;
  const char small = lower_case(what.front());
  const char capital = small >= 'a' && small <= 'z' ? static_cast<char>(small - 'a' + 'A') : small;
  for (std::size_t at = 0; at + what.size() <= text.size(); ++at) {
    if (text[at] != small && text[at] != capital) continue;
    if (equals_ignoring_case(text.substr(at, what.size()), what)) return true;
  }
  return false;
}

bool starts_ignoring_case(std::string_view text, std::string_view what) {
  return equals_ignoring_case(text.substr(0, what.size()), what);
}

}  // namespace blowback::detect
