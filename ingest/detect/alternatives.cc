#include "alternatives.h"

#include "literal_set.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

namespace blowback::detect {
namespace {

constexpr std::string_view kByLine = "(?m)";
// Of one pattern, and the octets that a group may become when what follows it is repeated. With more, a group stays together.
constexpr std::size_t kMost = 300;
constexpr std::size_t kMostOctets = 32U << 10U;

// Whether an octet continues a character of UTF-8 (RFC 3629 §3).
[[nodiscard]] bool continues(char octet) { return (static_cast<unsigned char>(octet) & 0xC0U) == 0x80U; }

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

// The length of a class (`[^a-z[:digit:]]`) at the start of `pattern`, which begins with `[`.
[[nodiscard]] std::size_t class_length(std::string_view pattern) {
  std::size_t i = 1;
  // A bracket at the beginning, or after `^`, belongs to the class.
  for (const char first : {'^', ']'}) i += pattern.substr(i).starts_with(first) ? 1 : 0;
  while (i < pattern.size() && pattern[i] != ']') {
    const std::string_view rest = pattern.substr(i);
    const std::size_t named = rest.starts_with("[:") ? rest.find(":]") : std::string_view::npos;
    if (named != std::string_view::npos) {
      i += named + 2;
    } else {
      i += rest[0] == '\\' ? escape_length(rest) : 1;
    }
  }
  return std::min(i + 1, pattern.size());
}

// The first `wanted`, a `|` or a `)`, outside of groups and classes, or the end.
[[nodiscard]] std::size_t find_outside(std::string_view pattern, char wanted) {
  int depth = 0;
  for (std::size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == wanted && depth == 0) return i;
    if (c == '\\') {
      i += escape_length(pattern.substr(i));
    } else if (c == '[') {
      i += class_length(pattern.substr(i));
    } else {
      if (c == '(') ++depth;
      if (c == ')') --depth;
      ++i;
    }
  }
  return pattern.size();
}

// How many alternatives `pattern` has between `|` outside of groups and classes.
[[nodiscard]] std::size_t count_alternatives(std::string_view pattern) {
  std::size_t count = 1;
  for (std::size_t end = find_outside(pattern, '|'); end < pattern.size(); end = find_outside(pattern, '|')) {
    pattern.remove_prefix(end + 1);
    ++count;
  }
  return count;
}

// Whether a part of the pattern can't be taken from its place, or written in small letters: flags (`(?s)`), `\Q…\E`, and ranges whose ends would
// change places or enclose other characters (`[A-z]`, `[Ё-я]`).
[[nodiscard]] bool is_whole(std::string_view pattern) {
  std::string folded;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("\\Q")) return true;
    if (rest.starts_with("(?") && !rest.starts_with("(?:") && !rest.starts_with("(?P<")) return true;
    std::size_t length = 1;
    if (rest[0] == '\\') length = escape_length(rest);
    if (rest[0] == '[') {
      length = class_length(rest);
      for (std::size_t dash = 2; dash + 2 < length; ++dash) {
        if (rest[dash] != '-') continue;
        // The characters before and after it: in UTF-8, so by their octets.
        std::size_t before = dash - 1;
        while (before > 0 && continues(rest[before])) --before;
        std::size_t after = dash + 2;
        while (after < length && continues(rest[after])) ++after;
        const auto changes = [&](std::string_view character) {
          fold(character, folded);
          return folded != character;
        };
        const std::string_view low = rest.substr(before, dash - before);
        const std::string_view high = rest.substr(dash + 1, after - dash - 1);
        if (changes(low) != changes(high) || (changes(low) && low.size() != high.size())) return true;
      }
    }
    i += length;
  }
  return false;
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

[[nodiscard]] bool is_few(const Group& group, std::size_t known) {
  const std::size_t count = count_alternatives(group.inside);
  return known + count <= kMost && group.inside.size() + count * group.after.size() <= kMostOctets;
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
    const bool is_split = leading_group(one, group) &&
                          (group.after.empty() || !anchor.empty() || group.inside.starts_with('^')) &&
                          is_few(group, to.size());
    if (is_split) {
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

// The characters at the start of `pattern` that stand for themselves, folded. `is_all`: whether it has no others.
[[nodiscard]] std::string plain_start(std::string_view pattern, bool& is_all) {
  std::string plain;
  std::size_t last = 0;  // where the last character of `plain` begins
  is_all = false;
  while (!pattern.empty()) {
    if (pattern[0] == '*' || pattern[0] == '?' || pattern[0] == '{') plain.resize(last);
    constexpr std::string_view kMeaningful = "()[]{}*+?|.^$";
    if (kMeaningful.find(pattern[0]) != std::string_view::npos) break;
    if (pattern[0] == '\\') {
      if (pattern.size() < 2 || std::isalnum(static_cast<unsigned char>(pattern[1])) != 0) break;
      pattern.remove_prefix(1);
    }
    if (!continues(pattern[0])) last = plain.size();
    plain += pattern[0];
    pattern.remove_prefix(1);
    is_all = pattern.empty();
  }
  std::string folded;
  fold(plain, folded);
  return folded;
}

constexpr std::size_t kUnlimited = Reach::kUnlimited;

// How often what is before `pattern` may be repeated, whose repetition it removes.
[[nodiscard]] std::size_t take_repetition(std::string_view& pattern) {
  std::size_t times = 1;
  while (begins_with_repetition(pattern)) {
    const std::size_t end = pattern[0] == '{' ? std::min(pattern.find('}'), pattern.size()) : 0;
    if (pattern[0] == '{') {
      // `{n}`, `{n,m}`. With `{n,}` there is no limit, and anything else isn't a repetition, so that its octets would count.
      const std::string_view inside = pattern.substr(1, end - 1);
      const std::string_view most = inside.substr(std::min(inside.find(',') + 1, inside.size()));
      std::size_t number = kUnlimited;
      const auto parsed = std::from_chars(most.data(), most.data() + most.size(), number);
      const bool is_limit = end < pattern.size() && parsed.ec == std::errc() &&
                            parsed.ptr == most.data() + most.size() && !inside.starts_with(',');
      times = std::min(times * (is_limit ? std::min(number, kUnlimited) : kUnlimited), kUnlimited);
    } else if (pattern[0] != '?') {
      times = kUnlimited;
    }
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return times;
}

// Whether a class (`[^a-z ]`) may match a blank. True in doubt.
[[nodiscard]] bool may_be_blank(std::string_view of_class) {
  if (of_class.starts_with("[^")) return of_class.find(' ') == std::string_view::npos;
  return std::ranges::any_of(of_class, [](char c) { return (c >= 0 && c <= ' ') || c == '\\'; }) ||
         of_class.find("[:") != std::string_view::npos;
}

// How far a match of `pattern` reaches, up to a `)` that is not its own. Removes what it has read.
[[nodiscard]] Reach take_reach(std::string_view& pattern) {
  constexpr std::uint16_t kLongestCharacter = 4;  // in UTF-8
  constexpr Reach kNothing{.octets = 0, .blanks = 0};
  Reach longest = kNothing;
  Reach here = kNothing;
  const auto end_alternative = [&] {
    longest = {.octets = std::max(longest.octets, here.octets), .blanks = std::max(longest.blanks, here.blanks)};
    here = kNothing;
  };
  while (!pattern.empty() && pattern[0] != ')') {
    Reach one{.octets = kLongestCharacter, .blanks = 1};
    std::size_t length = 1;
    if (pattern[0] == '|') {
      end_alternative();
      pattern.remove_prefix(1);
      continue;
    }
    if (pattern[0] == '(') {
      const bool is_named = pattern.starts_with("(?P<");
      const std::size_t opening = is_named ? std::min(pattern.find('>'), pattern.size() - 1) + 1 : 1;
      pattern.remove_prefix(pattern.starts_with("(?:") ? 3 : opening);
      one = take_reach(pattern);
    } else if (pattern[0] == '[') {
      length = class_length(pattern);
      if (!may_be_blank(pattern.substr(0, length))) one.blanks = 0;
    } else if (pattern[0] == '\\') {
      length = escape_length(pattern);
      constexpr std::string_view kWithoutBlank = "bBdSw";
      if (length == 2 && kWithoutBlank.find(pattern[1]) != std::string_view::npos) one.blanks = 0;
    } else if (pattern[0] == '^' || pattern[0] == '$') {
      one = kNothing;
    } else if (pattern[0] != '.') {
      while (length < pattern.size() && continues(pattern[length])) ++length;
      const bool is_blank = pattern[0] == ' ';
      one = {.octets = static_cast<std::uint16_t>(length), .blanks = static_cast<std::uint16_t>(is_blank ? 1 : 0)};
    }
    pattern.remove_prefix(std::min(length, pattern.size()));
    const std::size_t times = take_repetition(pattern);
    const auto sum = [&](std::size_t so_far, std::size_t more) {
      return static_cast<std::uint16_t>(std::min(so_far + more * times, kUnlimited));
    };
    here = {.octets = sum(here.octets, one.octets), .blanks = sum(here.blanks, one.blanks)};
  }
  end_alternative();
  return longest;
}

// The pattern for texts that are folded: capital letters in it are small, so that the automaton needs no cases.
[[nodiscard]] std::string for_folded_text(std::string_view pattern) {
  std::string out;
  std::string folded;
  std::size_t left_of_class = 0;
  while (!pattern.empty()) {
    if (left_of_class == 0 && pattern[0] == '[') left_of_class = class_length(pattern);
    std::size_t length = 1;
    if (pattern[0] == '\\') {
      length = escape_length(pattern);
      out += pattern.substr(0, length);
    } else if (left_of_class == 0 && pattern.starts_with("(?")) {
      // Flags and names of groups stay: (?U), (?P<name>.
      length = std::min(pattern.find_first_of(":)>"), pattern.size() - 1) + 1;
      out += pattern.substr(0, length);
    } else {
      while (length < pattern.size() && std::string_view("\\([").find(pattern[length]) == std::string_view::npos)
        ++length;
      if (left_of_class > 0) length = std::min(length, left_of_class);
      fold(pattern.substr(0, length), folded);
      out += folded;
    }
    left_of_class -= std::min(left_of_class, length);
    pattern.remove_prefix(length);
  }
  return out;
}

}  // namespace

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
  const std::string_view rest = pattern.substr(flags.size());
  if (is_whole(rest)) return {{.pattern = "(?i)" + std::string(pattern), .beginning = {}, .plain = {}, .reach = {}}};
  std::vector<std::string> texts;
  add_alternatives("", rest, texts);
  std::vector<Alternative> out;
  out.reserve(texts.size());
  for (const std::string& text : texts) {
    Alternative& made = out.emplace_back();
    made.pattern = std::string(flags) += for_folded_text(text);
    bool is_plain = false;
    const bool is_anchored = text.starts_with('^');
    std::string plain = plain_start(std::string_view(text).substr(is_anchored ? 1 : 0), is_plain);
    if (is_anchored) made.beginning = plain;
    // RE2 ignores case with these, and the lengths of letters differ by case.
    if (has_letters_by_property(made.pattern)) continue;
    if (is_plain) made.plain = std::move(plain);
    std::string_view unread = std::string_view(made.pattern).substr(flags.size());
    const Reach reach = take_reach(unread);
    if (unread.empty()) made.reach = reach;
  }
  return out;
}

}  // namespace blowback::detect
