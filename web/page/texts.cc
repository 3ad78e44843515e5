#include "page/texts.h"

#include "file_text.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <set>

namespace blowback::page {
namespace {

/// A text for one thing may write out the number, or not: in French it is also the text for none.
[[nodiscard]] std::set<std::string> placeholders_of(std::string_view key, std::string_view text) {
  std::set<std::string> names;
  for_each_part(text, [](std::string_view) {}, [&](std::string_view name) { names.emplace(name); });
  if (key.ends_with(".one")) names.erase("n");
  return names;
}

void collect(const toml::table& table, const std::string& prefix,
             std::map<std::string, std::string, std::less<>>& texts, std::string& wrong) {
  for (const auto& [key, value] : table) {
    const auto name = prefix + std::string(key.str());
    if (const auto* inner = value.as_table()) {
      collect(*inner, name + ".", texts, wrong);
    } else if (const auto* text = value.as_string()) {
      texts.emplace(name, text->get());
    } else {
      wrong = name;
    }
  }
}

}  // namespace

std::expected<Texts, PageError> Texts::parse(std::string_view toml, const std::string& file) {
  Texts texts;
  std::string wrong;
  try {
    collect(toml::parse(toml, file), "", texts.texts_, wrong);
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        PageError{fmt::format("{}:{}: is not TOML: {}", file, error.source().begin.line, error.description())});
  }
  if (!wrong.empty())
    return std::unexpected(PageError{fmt::format("{}: {} is no text; put it in quotes", file, wrong)});
  return texts;
}

const std::string* Texts::find(std::string_view key) const {
  const auto found = texts_.find(key);
  return found == texts_.end() ? nullptr : &found->second;
}

std::string Texts::say(std::string_view key, Values values) const {
  const auto* const text = find(key);
  if (text == nullptr) return fmt::format("⟨{}⟩", key);
  std::string said;
  for_each_part(
      *text, [&](std::string_view part) { said += part; },
      [&](std::string_view name) {
        for (const auto& [known, value] : values) {
          if (known == name) {
            said += value;
            return;
          }
        }
        said += fmt::format("⟨{}⟩", name);
      });
  return said;
}

std::string Texts::count(std::string_view key, std::uint64_t n, Values values) const {
  const bool is_one = n == 1 || (n == 0 && language_ == Language::fr);
  const auto whole = fmt::format("{}.{}", key, is_one ? "one" : "other");
  const auto* const text = find(whole);
  if (text == nullptr) return fmt::format("⟨{}⟩", whole);
  std::string said;
  for_each_part(
      *text, [&](std::string_view part) { said += part; },
      [&](std::string_view name) {
        if (name == "n") {
          said += std::to_string(n);
          return;
        }
        for (const auto& [known, value] : values) {
          if (known == name) said += value;
        }
      });
  return said;
}

std::expected<AllTexts, PageError> AllTexts::load(const std::string& folder) {
  AllTexts all;
  for (const Language language : kLanguages) {
    const auto file = fmt::format("{}/{}.toml", folder, tag_of(language));
    const auto content = text_of_file(file);
    if (!content) return std::unexpected(content.error());
    auto texts = Texts::parse(*content, file);
    if (!texts) return std::unexpected(std::move(texts).error());
    texts->set_language(language);
    const auto& english = language == Language::en ? *texts : all.in(Language::en);
    for (const auto& [key, text] : english.all()) {
      const auto* const own = texts->find(key);
      if (own == nullptr)
        return std::unexpected(PageError{fmt::format("{}: lacks {}, which en.toml has; add it", file, key)});
      if (placeholders_of(key, *own) != placeholders_of(key, text)) {
        return std::unexpected(PageError{
            fmt::format("{}: {} has other placeholders than in en.toml; write the same {{names}}", file, key)});
      }
    }
    for (const auto& [key, text] : texts->all()) {
      if (!english.has(key))
        return std::unexpected(PageError{fmt::format("{}: has {}, which en.toml lacks; remove it", file, key)});
    }
    all.texts_[static_cast<std::size_t>(language)] = *std::move(texts);
  }
  return all;
}

}  // namespace blowback::page
