// Each word is searched as it is, then decoded in each known coding and searched again.
#include "account/masked.h"

#include "blowback/text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <span>

namespace blowback::account {
namespace {

constexpr std::string_view kMask = "[trap]";
/// Shorter local parts occur in every other word by chance.
constexpr std::size_t kShortestAnywhere = 3;
/// The same for domains without their dots and hyphens, and for text that is worth decoding.
constexpr std::size_t kShortestBare = 6;
/// The same for local parts that are reversed, in ROT13, or with other characters between their letters.
constexpr std::size_t kShortestStretched = 5;
/// So many digits of a digest don't occur by chance: 32 bits in hexadecimal, 48 in base64.
constexpr std::size_t kDigestDigits = 8;

[[nodiscard]] bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Only the letters and digits, in lower case.
[[nodiscard]] std::string bare(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (is_alnum(c)) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

[[nodiscard]] std::string letters_of(std::string_view bare_text) {
  std::string result;
  for (const char c : bare_text) {
    if (c < '0' || c > '9') result += c;
  }
  return result;
}

[[nodiscard]] std::string rot13(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) continue;
    const char first = c >= 'a' ? 'a' : 'A';
    c = static_cast<char>(first + (c - first + 13) % 26);
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

/// Decodes `%40` and quoted-printable's `=40`. A % or = without two hexadecimal digits after it stays.
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

[[nodiscard]] int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;  // RFC 4648 §4 and §5
  if (c == '/' || c == '_') return 63;
  return -1;
}

[[nodiscard]] int base32_digit(char c) {
  const char small = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (small >= 'a' && small <= 'z') return small - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;  // RFC 4648 §6
}

/// Decodes digits of `width` bits each, from position `from` up to the first character that is no digit.
[[nodiscard]] std::string from_digits(std::string_view word, std::size_t from, unsigned width, int (*digit)(char)) {
  std::string result;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (; from < word.size() && digit(word[from]) >= 0; ++from) {
    bits = (bits << width) | static_cast<std::uint32_t>(digit(word[from]));
    held += width;
    if (held < 8) continue;
    held -= 8;
    result += static_cast<char>((bits >> held) & 0xffU);
  }
  return result;
}

/// Whether `wanted` is true of some run of digits, decoded at one of the first `alignments` positions.
[[nodiscard]] bool any_decoded(std::string_view word, unsigned width, std::size_t alignments, int (*digit)(char),
                               const auto& wanted) {
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t end = begin;
    while (end < word.size() && digit(word[end]) >= 0) ++end;
    const auto run = word.substr(begin, end - begin);
    begin = end + 1;
    if (run.size() * width / 8 < kShortestAnywhere) continue;
    for (std::size_t from = 0; from < alignments; ++from) {
      if (wanted(from_digits(run, from, width, digit))) return true;
    }
  }
  return false;
}

[[nodiscard]] bool any_decoded(std::string_view word, const auto& wanted) {
  return any_decoded(word, 4, 2, hex_digit, wanted) || any_decoded(word, 6, 4, base64_digit, wanted) ||
         any_decoded(word, 5, 8, base32_digit, wanted);
}

/// The base64 digits of `text` after `before` unknown octets: those that depend neither on these nor on what follows.
[[nodiscard]] std::string base64_within(std::string_view text, std::size_t before) {
  const std::string octets = std::string(before, '\0') + std::string(text);
  std::string coded(4 * ((octets.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                      reinterpret_cast<const unsigned char*>(octets.data()), static_cast<int>(octets.size()));
  coded.resize(static_cast<std::size_t>(size));
  coded.resize(octets.size() * 8 / 6);  // whole digits only
  return coded.substr((before * 8 + 5) / 6);
}

/// RFC 4648 §5 in place of §4.
[[nodiscard]] std::string base64url(std::string base64) {
  std::ranges::replace(base64, '+', '-');
  std::ranges::replace(base64, '/', '_');
  return base64;
}

/// The digest's beginning in hexadecimal, base64 and base64url, lower case. Empty where libcrypto doesn't have the algorithm.
[[nodiscard]] std::vector<std::string> digest_of(std::string_view text, const EVP_MD* algorithm) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> octets{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), octets.data(), &size, algorithm, nullptr) != 1) return {};
  const auto base64 = base64_within({reinterpret_cast<const char*>(octets.data()), size}, 0).substr(0, kDigestDigits);
  return {hex(std::span(octets).first(size)).substr(0, kDigestDigits), lower_case(base64),
          base64url(lower_case(base64))};
}

}  // namespace

TrapMask::TrapMask(const std::vector<std::string>& addresses, const std::vector<std::string>& domains) {
  for (const auto& domain : domains) domains_.push_back(lower_case(domain));
  for (const auto& address : addresses) {
    const auto at = address.rfind('@');
    if (at == std::string::npos) continue;  // a feed that is one trap as a whole: `feed:name`
    local_parts_.push_back(lower_case(std::string_view(address).substr(0, at)));
    domains_.push_back(lower_case(std::string_view(address).substr(at + 1)));
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
  for (const auto& local : local_parts_) {
    Local wanted{.plain = local, .bare = bare(local), .letters = letters_of(bare(local))};
    if (wanted.plain.size() < kShortestAnywhere) wanted.plain.clear();
    if (wanted.bare.size() < kShortestStretched) wanted.bare.clear();
    if (wanted.letters.size() < kShortestStretched) wanted.letters.clear();
    if (!wanted.plain.empty()) locals_.push_back(std::move(wanted));
    add_digests(local);
    add_base64(local);
  }
  for (const auto& address : addresses) add_digests(lower_case(address));
  for (const auto& domain : domains_) add_base64(domain);
}

void TrapMask::add_digests(const std::string& text) {
  for (const auto* const algorithm : {EVP_md5(), EVP_sha1(), EVP_sha256()}) {
    for (auto& digits : digest_of(text, algorithm)) codes_.push_back(std::move(digits));
  }
}

// Mailboxes are stored in lower case, so base64 in them can't be decoded. Instead, the base64 of each trap is searched in them.
void TrapMask::add_base64(const std::string& text) {
  std::string upper = text;
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string capital = text;
  capital.front() = upper.front();
  for (const auto& written : {text, upper, capital}) {
    for (std::size_t before = 0; before < 3; ++before) {
      auto coded = lower_case(base64_within(written, before));
      if (coded.size() < kShortestBare) continue;
      auto url = base64url(coded);
      if (url != coded) codes_.push_back(std::move(url));
      codes_.push_back(std::move(coded));
    }
  }
}

bool TrapMask::holds_a_domain(std::string_view text) const {
  const std::string low = lower_case(text);
  const std::string stripped = bare(text);
  const auto in = [](const std::string& where) {
    return [&where](const std::string& what) { return where.find(what) != std::string::npos; };
  };
  return std::ranges::any_of(domains_, in(low)) || std::ranges::any_of(bare_, in(stripped));
}

bool TrapMask::holds_a_local_part(std::string_view text, bool also_plain) const {
  const std::string low = also_plain ? lower_case(text) : std::string();
  const std::string stripped = bare(text);
  const std::string letters = letters_of(stripped);
  const auto in = [](const std::string& where, const std::string& what) {
    return !what.empty() && where.find(what) != std::string::npos;
  };
  return std::ranges::any_of(locals_, [&](const Local& local) {
    return in(low, local.plain) || in(stripped, local.bare) || in(letters, local.letters);
  });
}

bool TrapMask::names_a_trap(std::string_view word) const {
  const auto wanted = [&](std::string_view text) { return holds_a_domain(text); };
  return wanted(word) || wanted(unescaped(word)) || wanted(rot13(word)) ||
         wanted(std::string(word.rbegin(), word.rend())) || any_decoded(word, wanted);
}

bool TrapMask::hides_a_local_part(std::string_view word) const {
  const auto wanted = [&](std::string_view text) { return holds_a_local_part(text, true); };
  const auto stretched = [&](std::string_view text) { return holds_a_local_part(text, false); };
  if (stretched(word) || stretched(rot13(word)) || stretched(std::string(word.rbegin(), word.rend()))) return true;
  if (wanted(unescaped(word)) || any_decoded(word, wanted)) return true;
  const std::string stripped = bare(word);
  if (any_decoded(stripped, 4, 2, hex_digit, wanted)) return true;
  const std::string low = lower_case(word);
  return std::ranges::any_of(codes_, [&](const std::string& digits) {
    return low.find(digits) != std::string::npos || stripped.find(digits) != std::string::npos;
  });
}

std::string TrapMask::without_local_parts(std::string_view word) const {
  const std::string low = lower_case(word);
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
      const std::string rest = names_a_trap(word) ? std::string(kMask) : without_local_parts(word);
      result += rest != kMask && hides_a_local_part(rest) ? std::string(kMask) : rest;
      text.remove_prefix(length);
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace blowback::account
