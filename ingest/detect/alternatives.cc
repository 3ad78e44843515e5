#include "alternatives.h"

#include "literal_set.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

namespace blowback::detect {
namespace {

constexpr std::string_view kByLine = "(?m)";
// Of one pattern. With more, the rest stays together.
constexpr std::size_t kMost = 300;

// The length of an escape sequence at the start of `pattern`, which begins with a backslash.
[[nodiscard]] std::size_t escape_length(std::string_view pattern) {
  if (pattern.size() < 2) return pattern.size();
  const bool is_braced =
      (pattern[1] == 'p' || pattern[1] == 'P' || pattern[1] == 'x') && pattern.substr(2).starts_with('{');
  if (is_braced) return std::min(pattern.find('}'), pattern.size() - 1) + 1;
  if (pattern[1] == 'p' || pattern[1] == 'P') return std::min<std::size_t>(pattern.size(), 3);
  if (pattern[1] == 'x') return std::min<std::size_t>(pattern.size(), 4);
  return 2;
}

// The first `wanted`, a `|` or a `)`, outside of groups and classes, or the end.
[[nodiscard]] std::size_t find_outside(std::string_view pattern, char wanted) {
  int depth = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == wanted && depth == 0) return i;
    if (c == '\\') {
      ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == '[') {
      ++i;
      // A bracket at the beginning, or after `^`, belongs to the class.
      for (const char first : {'^', ']'}) i += pattern.substr(i).starts_with(first) ? 1 : 0;
      for (; i < pattern.size() && pattern[i] != ']'; ++i) i += pattern[i] == '\\' ? 1 : 0;
    }
  }
  return pattern.size();
}

[[nodiscard]] bool begins_with_repetition(std::string_view pattern) {
  return !pattern.empty() && std::string_view("*+?{").find(pattern[0]) != std::string_view::npos;
}

// The group with which `pattern` begins, and what follows it.
struct Group {
  std::string_view inside;
  std::string_view after;
};

[[nodiscard]] bool leading_group(std::string_view pattern, Group& group) {
  std::size_t opening = pattern.starts_with("(?:") ? 3 : 0;
  if (pattern.starts_with('(') && !pattern.starts_with("(?")) opening = 1;
  if (opening == 0) return false;
  const std::size_t length = find_outside(pattern.substr(opening), ')');
  if (opening + length >= pattern.size()) return false;
  group = {.inside = pattern.substr(opening, length), .after = pattern.substr(opening + length + 1)};
  return !begins_with_repetition(group.after);
}

// Adds the alternatives of `before` followed by `pattern`, where `before` is `` or `^`.
void add_alternatives(std::string_view before, std::string_view pattern, std::vector<std::string>& to) {
  while (true) {
    const std::size_t end = find_outside(pattern, '|');
    std::string_view one = pattern.substr(0, end);
    std::string_view anchor = before;
    if (anchor.empty() && one.starts_with('^') && !begins_with_repetition(one.substr(1))) {
      anchor = "^";
      one.remove_prefix(1);
    }
    Group group;
    if (to.size() < kMost && leading_group(one, group) &&
        (group.after.empty() || !anchor.empty() || group.inside.starts_with('^'))) {
      std::string_view inside = group.inside;
      while (true) {
        const std::size_t bar = find_outside(inside, '|');
        add_alternatives(anchor, std::string(inside.substr(0, bar)) += group.after, to);
        if (bar == inside.size()) break;
        inside.remove_prefix(bar + 1);
      }
    } else {
      (to.emplace_back(anchor)) += one;
    }
    if (end == pattern.size()) return;
    pattern.remove_prefix(end + 1);
  }
}

// What the text begins with if it matches an alternative that begins with `^`: up to the first octet with a meaning of its own.
[[nodiscard]] std::string beginning_of(std::string_view pattern) {
  if (!pattern.starts_with('^')) return {};
  pattern.remove_prefix(1);
  std::string plain;
  std::size_t last = 0;  // where the last character of `plain` begins
  while (!pattern.empty()) {
    if (pattern[0] == '*' || pattern[0] == '?' || pattern[0] == '{') plain.resize(last);
    constexpr std::string_view kMeaningful = "()[]{}*+?|.^$";
    if (kMeaningful.find(pattern[0]) != std::string_view::npos) break;
    if (pattern[0] == '\\') {
      if (pattern.size() < 2 || std::isalnum(static_cast<unsigned char>(pattern[1])) != 0) break;
      pattern.remove_prefix(1);
    }
    const bool continues = (static_cast<unsigned char>(pattern[0]) & 0xC0U) == 0x80U;  // UTF-8, RFC 3629
    if (!continues) last = plain.size();
    plain += pattern[0];
    pattern.remove_prefix(1);
  }
  std::string folded;
  fold(plain, folded);
  return folded;
}

}  // namespace

std::string for_folded_text(std::string_view pattern) {
  std::string out;
  std::string folded;
  while (!pattern.empty()) {
    const std::size_t plain = std::min({pattern.find('\\'), pattern.find("(?"), pattern.size()});
    fold(pattern.substr(0, plain), folded);
    out += folded;
    pattern.remove_prefix(plain);
    // Flags and names of groups stay: (?U), (?P<name>.
    std::size_t same = pattern.starts_with('\\') ? escape_length(pattern) : 0;
    if (pattern.starts_with('(')) same = std::min(pattern.find_first_of(":)>"), pattern.size() - 1) + 1;
    out += pattern.substr(0, same);
    pattern.remove_prefix(same);
  }
  return out;
}

bool has_letters_by_property(std::string_view pattern) {
  for (std::size_t at = 0; at + 1 < pattern.size(); ++at) {
    if (pattern[at] == '[' && pattern[at + 1] == ':') return true;
    if (pattern[at] != '\\') continue;
    constexpr std::string_view kWithoutCase = "bBdDsSwW";
    ++at;
    if (std::isalnum(static_cast<unsigned char>(pattern[at])) != 0 &&
        kWithoutCase.find(pattern[at]) == std::string_view::npos)
      return true;
  }
  return false;
}

std::vector<Alternative> alternatives_of(std::string_view pattern) {
  const std::string_view flags = pattern.substr(0, pattern.starts_with(kByLine) ? kByLine.size() : 0);
  std::vector<std::string> texts;
  add_alternatives("", pattern.substr(flags.size()), texts);
  std::vector<Alternative> out;
  for (const std::string& text : texts) {
    out.push_back({.pattern = std::string(flags) += for_folded_text(text), .beginning = beginning_of(text)});
  }
  return out;
}

}  // namespace blowback::detect
