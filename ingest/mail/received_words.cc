// Every function is linear in the text and accepts any octets.
#include "received_words.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace blowback::mail {
namespace {

constexpr int kDeepestComment = 16;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (lower_case(c) >= 'a' && lower_case(c) <= 'z'); }

/// The characters of names and addresses.
constexpr auto kRunCharacters = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();
bool is_run_character(char c) { return kRunCharacters[static_cast<unsigned char>(c)]; }

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether `text` has only the characters of an address, and one that no single number has. Nearly all words of a field are names or numbers:
/// for each of them IpAddress::parse would compose an error message, which takes longer than the rest of reading the field.
bool may_be_address(std::string_view text) {
  bool has_separator = false;
  for (const char c : text) {
    const char lower = lower_case(c);
    if (c == '.' || c == ':') {
      has_separator = true;
    } else if ((c < '0' || c > '9') && (lower < 'a' || lower > 'f')) {
      return false;
    }
  }
  return has_separator;
}

/// The end of the comment that opens at `open`: the index of its closing parenthesis, or npos.
std::expected<std::size_t, std::string> comment_end(std::string_view text, std::size_t open, Backslash backslash) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\' && backslash == Backslash::quotes) {
      ++i;
    } else if (text[i] == '(') {
      if (++depth > kDeepestComment) return std::unexpected("comments nest deeper than 16");
    } else if (text[i] == ')' && --depth == 0) {
      return i;
    }
  }
  return std::unexpected("a comment doesn't end");
}

}  // namespace

std::expected<std::vector<Word>, std::string> words_of(std::string_view text, Backslash backslash) {
  constexpr std::size_t kUsual = 24;
  std::vector<Word> words;
  words.reserve(kUsual);
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_blank(text[i])) {
      ++i;
      continue;
    }
    const bool glued = i > 0 && !is_blank(text[i - 1]);
    if (text[i] == ')') return std::unexpected("a closing parenthesis has no opening one");
    if (text[i] == '(') {
      const auto end = comment_end(text, i, backslash);
      if (!end) return std::unexpected(end.error());
      words.push_back({text.substr(i + 1, *end - i - 1), true, glued});
      i = *end + 1;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && !is_blank(text[end]) && text[end] != '(' && text[end] != ')') ++end;
    words.push_back({text.substr(i, end - i), false, glued});
    i = end;
  }
  return words;
}

std::optional<IpAddress> bare_address(std::string_view text) {
  if (begins(text, "IPv6:")) text.remove_prefix(5);
  if (const auto zone = text.find('%'); zone != std::string_view::npos && text.contains(':'))
    text = text.substr(0, zone);
  if (!may_be_address(text)) return std::nullopt;
  if (auto address = IpAddress::parse(text)) return *address;
  return std::nullopt;
}

std::optional<IpAddress> address_literal(std::string_view text) {
  if (text.empty() || text.front() != '[') return std::nullopt;
  const auto close = text.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  const auto rest = text.substr(close + 1);
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
  return bare_address(text.substr(1, close - 1));
}

std::vector<std::string_view> addresses_in(std::string_view text) {
  std::vector<std::string_view> found;
  std::size_t i = 0;
  while (i < text.size()) {
    if (!is_run_character(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    bool has_separator = false;
    for (; i < text.size() && is_run_character(text[i]); ++i) has_separator |= text[i] == '.' || text[i] == ':';
    if (!has_separator) continue;
    const auto run = text.substr(begin, i - begin);
    // An IPv6 address may end in `::`, so the whole run is tried first, then without punctuation around it, then without a port.
    auto trimmed = run;
    while (!trimmed.empty() && !is_alnum(trimmed.back())) trimmed.remove_suffix(1);
    while (!trimmed.empty() && !is_alnum(trimmed.front())) trimmed.remove_prefix(1);
    const auto colon = trimmed.rfind(':');
    const bool is_address = bare_address(run) || bare_address(trimmed) ||
                            (colon != std::string_view::npos && is_port(trimmed.substr(colon + 1)) &&
                             bare_address(trimmed.substr(0, colon)));
    if (is_address) found.push_back(run);
  }
  return found;
}

int occurrences(std::string_view text, std::string_view word) {
  const auto is_edge = [](char c) { return is_blank(c) || c == '(' || c == ')'; };
  int count = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_edge(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < text.size() && !is_edge(text[i])) ++i;
    if (equals_ignoring_case(text.substr(begin, i - begin), word)) ++count;
  }
  return count;
}

bool begins(std::string_view text, std::string_view prefix) {
  return equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

bool is_loopback(const IpAddress& address) {
  if (address.family() == Family::ipv4) return address.v4() >> 24U == 127;
  IpAddress::Octets one{};
  one.back() = 1;
  return address.octets() == one;
}

}  // namespace blowback::mail
