#include "words.h"

#include <algorithm>
#include <cstddef>

namespace blowback::detect {
namespace {

[[nodiscard]] bool same(char a, char b) { return lower_case(a) == lower_case(b); }

}  // namespace

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool contains_ignoring_case(std::string_view text, std::string_view what) {
  return !std::ranges::search(text, what, same).empty() || what.empty();
}

bool starts_ignoring_case(std::string_view text, std::string_view what) {
  return equals_ignoring_case(text.substr(0, what.size()), what);
}

}  // namespace blowback::detect
