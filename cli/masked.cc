// Word by word: first the cheap search, then what is left of the word once its coding is taken off.
#include "masked.h"

#include "blowback/lower_case.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>

namespace blowback::cli {
namespace {

constexpr std::string_view kMask = "[trap]";
/// Shorter local parts are found in every other word by chance.
constexpr std::size_t kShortestAnywhere = 3;
/// Likewise domains stripped of their signs, and what is worth decoding.
constexpr std::size_t kShortestBare = 6;

[[nodiscard]] bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Letters and digits alone, lower case.
[[nodiscard]] std::string bare(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (is_alnum(c)) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

[[nodiscard]] bool is_between_words(char c) {
  return std::string_view(" \t\r\n<>()[]{}\"'`,;").find(c) != std::string_view::npos;
}

[[nodiscard]] int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/// `%40` and quoted-printable's `=40` as what they stand for; a sign without two digits after it stays.
[[nodiscard]] std::string unescaped(std::string_view word) {
  std::string result;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool escape = (word[i] == '%' || word[i] == '=') && i + 2 < word.size() && hex_digit(word[i + 1]) >= 0 &&
                        hex_digit(word[i + 2]) >= 0;
    if (!escape) {
      result += word[i];
      continue;
    }
    result += static_cast<char>(hex_digit(word[i + 1]) * 16 + hex_digit(word[i + 2]));
    i += 2;
  }
  return result;
}

/// Pairs of hexadecimal digits from `from` on, as far as they go.
[[nodiscard]] std::string from_hex(std::string_view word, std::size_t from) {
  std::string result;
  for (; from + 1 < word.size() && hex_digit(word[from]) >= 0 && hex_digit(word[from + 1]) >= 0; from += 2) {
    result += static_cast<char>(hex_digit(word[from]) * 16 + hex_digit(word[from + 1]));
  }
  return result;
}

[[nodiscard]] int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;  // RFC 4648 §4 and §5
  if (c == '/' || c == '_') return 63;
  return -1;
}

/// base64 from `from` on, as far as it goes.
[[nodiscard]] std::string from_base64(std::string_view word, std::size_t from) {
  std::string result;
  std::uint32_t bits = 0;
  int held = 0;
  for (; from < word.size() && base64_digit(word[from]) >= 0; ++from) {
    bits = (bits << 6U) | static_cast<std::uint32_t>(base64_digit(word[from]));
    held += 6;
    if (held < 8) continue;
    held -= 8;
    result += static_cast<char>((bits >> static_cast<unsigned>(held)) & 0xffU);
  }
  return result;
}

}  // namespace

TrapMask::TrapMask(const std::vector<std::string>& addresses, const std::vector<std::string>& domains) {
  for (const auto& domain : domains) domains_.push_back(lowered(domain));
  for (const auto& address : addresses) {
    const auto at = address.rfind('@');
    if (at == std::string::npos) continue;  // a feed taken as one trap: `feed:name`
    local_parts_.push_back(lowered(std::string_view(address).substr(0, at)));
    domains_.push_back(lowered(std::string_view(address).substr(at + 1)));
  }
  for (auto* list : {&domains_, &local_parts_}) {
    std::ranges::sort(*list,
                      [](const auto& a, const auto& b) { return a.size() != b.size() ? a.size() > b.size() : a < b; });
    const auto twice = std::ranges::unique(*list);
    list->erase(twice.begin(), twice.end());
    std::erase(*list, "");
  }
  for (const auto& domain : domains_) bare_.push_back(bare(domain));
  std::erase_if(bare_, [](const std::string& text) { return text.size() < kShortestBare; });
}

bool TrapMask::names_a_trap(std::string_view word) const {
  const auto holds_one = [&](std::string_view text) {
    const std::string low = lowered(text);
    const std::string stripped = bare(text);
    const auto in = [](const std::string& where) {
      return [&where](const std::string& what) { return where.find(what) != std::string::npos; };
    };
    return std::ranges::any_of(domains_, in(low)) || std::ranges::any_of(bare_, in(stripped));
  };
  if (holds_one(word) || holds_one(unescaped(word))) return true;
  // A token is mostly a part of the word, set off by other signs; its coding starts at its own beginning, or after a few
  // octets of something else: four alignments see all of base64, two all of hexadecimal.
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t end = begin;
    while (end < word.size() && base64_digit(word[end]) >= 0) ++end;
    const auto token = word.substr(begin, end - begin);
    begin = end + 1;
    if (token.size() < kShortestBare) continue;
    for (std::size_t from = 0; from < 4; ++from) {
      if (holds_one(from_base64(token, from))) return true;
    }
    for (std::size_t i = 0; i < token.size();) {
      std::size_t stop = i;
      while (stop < token.size() && hex_digit(token[stop]) >= 0) ++stop;
      const auto digits = token.substr(i, stop - i);
      if (digits.size() >= 2 * kShortestBare && (holds_one(from_hex(digits, 0)) || holds_one(from_hex(digits, 1))))
        return true;
      i = stop + 1;
    }
  }
  return false;
}

std::string TrapMask::without_local_parts(std::string_view word) const {
  const std::string low = lowered(word);
  std::string result;
  for (std::size_t at = 0; at < word.size();) {
    const auto stands_here = [&](const std::string& local) {
      if (!std::string_view(low).substr(at).starts_with(local)) return false;
      const std::size_t after = at + local.size();
      const bool touched = (at > 0 && is_alnum(low[at - 1])) || (after < low.size() && is_alnum(low[after]));
      return local.size() >= kShortestAnywhere || !touched;
    };
    const auto local = std::ranges::find_if(local_parts_, stands_here);  // the longest
    if (local == local_parts_.end()) {
      result += word[at++];
    } else {
      result += kMask;
      at += local->size();
    }
  }
  return result;
}

std::string TrapMask::masked(std::string_view text) const {
  std::string result;
  while (!text.empty()) {
    std::size_t length = 0;
    while (length < text.size() && !is_between_words(text[length])) ++length;
    if (length > 0) {
      const auto word = text.substr(0, length);
      result += names_a_trap(word) ? std::string(kMask) : without_local_parts(word);
      text.remove_prefix(length);
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace blowback::cli
