#include "page/language.h"

#include "blowback/text.h"

#include <algorithm>
#include <string>

namespace blowback::page {
namespace {

constexpr std::array<std::string_view, 4> kTags{"en", "de", "fr", "es"};
constexpr std::array<std::string_view, 4> kNames{"English", "Deutsch", "Français", "Español"};

constexpr int kFullQuality = 1000;

/// `0`, `0.5`, `1.000`: in thousandths.
[[nodiscard]] std::optional<int> quality(std::string_view text) {
  constexpr std::size_t kLongest = 5;
  if (text.empty() || text.size() > kLongest || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = text[0] == '1' ? kFullQuality : 0;
  int unit = kFullQuality / 10;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    thousandths += (digit - '0') * unit;
    unit /= 10;
  }
  if (thousandths > kFullQuality) return std::nullopt;
  return thousandths;
}

struct Item {
  std::string tag;  ///< the primary subtag in lower case, or `*`
  int quality = kFullQuality;
};

/// RFC 4647 §2.1: a basic language range.
[[nodiscard]] bool is_range(std::string_view text) {
  if (text == "*") return true;
  bool is_first = true;
  while (true) {
    const auto subtag = text.substr(0, text.find('-'));
    const bool is_good = !subtag.empty() && subtag.size() <= 8 && std::ranges::all_of(subtag, [&](char c) {
      const char lower = lower_case(c);
      return (lower >= 'a' && lower <= 'z') || (!is_first && c >= '0' && c <= '9');
    });
    if (!is_good) return false;
    if (subtag.size() == text.size()) return true;
    text.remove_prefix(subtag.size() + 1);
    is_first = false;
  }
}

[[nodiscard]] std::optional<Item> item_of(std::string_view text) {
  const auto semicolon = text.find(';');
  const auto range = trimmed(text.substr(0, semicolon));
  if (!is_range(range)) return std::nullopt;
  Item item{.tag = lower_case(range.substr(0, range.find('-')))};
  if (semicolon == std::string_view::npos) return item;
  const auto weight = trimmed(text.substr(semicolon + 1));
  if (!weight.starts_with("q=") && !weight.starts_with("Q=")) return std::nullopt;
  const auto read = quality(weight.substr(2));
  if (!read) return std::nullopt;
  item.quality = *read;
  return item;
}

}  // namespace

std::string_view tag_of(Language language) { return kTags[static_cast<std::size_t>(language)]; }
std::string_view name_of(Language language) { return kNames[static_cast<std::size_t>(language)]; }

std::optional<Language> language_tagged(std::string_view tag) {
  const auto* const found = std::ranges::find(kTags, tag);
  if (found == kTags.end()) return std::nullopt;
  return static_cast<Language>(found - kTags.begin());
}

Language preferred_language(std::string_view accept_language) {
  if (accept_language.size() > kLongestAcceptLanguage) return Language::en;
  Language best = Language::en;
  int best_quality = 0;
  for (std::size_t items = 0; items < kMostLanguageRanges; ++items) {
    const auto comma = accept_language.find(',');
    if (const auto item = item_of(accept_language.substr(0, comma))) {
      const auto language = item->tag == "*" ? Language::en : language_tagged(item->tag);
      if (language && item->quality > best_quality) {
        best = *language;
        best_quality = item->quality;
      }
    }
    if (comma == std::string_view::npos) break;
    accept_language.remove_prefix(comma + 1);
  }
  return best;
}

}  // namespace blowback::page
