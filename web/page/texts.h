// The page's sentences in one language: keys and texts of a file in web/languages/.
//
// A text may have placeholders, `{name}`. Every language has the same keys, and each text the placeholders of the English one: that is checked
// when the files are read, so that a missing sentence is found at the start and not by a visitor.
#pragma once

#include "page/language.h"

#include <array>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::page {

struct PageError {
  std::string text;  ///< names the file, what is wrong, and what to do
};

class Texts {
 public:
  using Values = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// `toml`: tables of strings; a key in them is `table.key`. `file`: for messages. Fails on anything but strings in tables.
  [[nodiscard]] static std::expected<Texts, PageError> parse(std::string_view toml, const std::string& file);

  [[nodiscard]] const std::string* find(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  /// The text of `key` with its placeholders replaced. A key that doesn't exist is a bug, and becomes the key itself in ⟨⟩, which tests look for.
  [[nodiscard]] std::string say(std::string_view key, Values values = {}) const;
  /// `key.one` or `key.other`, by the language's rule for 0, 1 and other numbers, with `{n}` as the number.
  [[nodiscard]] std::string count(std::string_view key, std::uint64_t n, Values values = {}) const;

  [[nodiscard]] Language language() const { return language_; }
  void set_language(Language language) { language_ = language; }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& all() const { return texts_; }

 private:
  Language language_ = Language::en;
  std::map<std::string, std::string, std::less<>> texts_;
};

/// The texts of all languages.
class AllTexts {
 public:
  /// Reads `FOLDER/en.toml` and so on. Fails if one can't be read, lacks a key that another has, or has other placeholders.
  [[nodiscard]] static std::expected<AllTexts, PageError> load(const std::string& folder);
  [[nodiscard]] const Texts& in(Language language) const { return texts_[static_cast<std::size_t>(language)]; }

 private:
  std::array<Texts, kLanguages.size()> texts_;
};

/// A name in braces, as in `{name}`: lower-case letters, digits and underscores. Calls `text` for what is between, and `name` for each name.
template <typename Text, typename Name>
void for_each_part(std::string_view all, Text text, Name name) {
  const auto is_name = [](std::string_view word) {
    if (word.empty()) return false;
    for (const char c : word) {
      if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') return false;
    }
    return true;
  };
  std::size_t done = 0;
  for (auto open = all.find('{'); open != std::string_view::npos; open = all.find('{', open + 1)) {
    const auto close = all.find('}', open);
    if (close == std::string_view::npos) break;
    const auto word = all.substr(open + 1, close - open - 1);
    if (!is_name(word)) continue;
    text(all.substr(done, open - done));
    name(word);
    done = close + 1;
  }
  text(all.substr(done));
}

}  // namespace blowback::page
