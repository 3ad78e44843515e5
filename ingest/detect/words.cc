// See words.h.
#include "words.h"

#include <algorithm>
#include <cstddef>

namespace blowback::detect {
namespace {

[[nodiscard]] char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
[[nodiscard]] bool same(char a, char b) { return lower(a) == lower(b); }

}  // namespace

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool contains_ignoring_case(std::string_view text, std::string_view what) {
  return !std::ranges::search(text, what, same).empty() || what.empty();
}

bool starts_ignoring_case(std::string_view text, std::string_view what) {
  return text.size() >= what.size() && std::ranges::equal(text.substr(0, what.size()), what, same);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && starts_ignoring_case(a, b);
}

}  // namespace blowback::detect
