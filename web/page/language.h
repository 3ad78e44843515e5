// The languages of the page, and which of them a visitor's browser asks for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace blowback::page {

enum class Language : std::uint8_t { en, de, fr, es };

inline constexpr std::array kLanguages{Language::en, Language::de, Language::fr, Language::es};

/// As in the attribute `lang` and in Accept-Language: `en`.
[[nodiscard]] std::string_view tag_of(Language language);
/// The language's own name of itself: `Deutsch`.
[[nodiscard]] std::string_view name_of(Language language);
[[nodiscard]] std::optional<Language> language_tagged(std::string_view tag);

/// A longer header is ignored, and so are items after this many.
inline constexpr std::size_t kLongestAcceptLanguage = 1'000;
inline constexpr std::size_t kMostLanguageRanges = 32;

/// The best of ours for an Accept-Language header (RFC 9110 §12.5.4, with the basic filtering of RFC 4647 §3.3.1 by the primary subtag);
/// malformed items are ignored, and among equals the first wins. English if there is none. Pure.
[[nodiscard]] Language preferred_language(std::string_view accept_language);

}  // namespace blowback::page
