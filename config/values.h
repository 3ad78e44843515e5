// Values that several sections have: arrays of texts that are parsed one by one, and choices by name.
#pragma once

#include "blowback/prefix.h"
#include "section.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::config {

/// Reads an array of texts and parses each; an error is reported with the element's own line.
template <typename T, typename Parse>
void parsed_texts(Section& section, std::string_view key, std::vector<T>& into, Parse parse) {
  std::vector<std::string> texts;
  section.texts(key, texts);
  if (!section.is_good(key)) return;
  into.clear();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto value = parse(texts[i]);
    if (value) {
      into.push_back(std::move(*value));
    } else {
      section.complain(key, i, value.error().text);
    }
  }
}

/// Reads one of `names`, which are in the order of the enumerators; the error lists them.
template <typename Choice, std::size_t N>
void choice(Section& section, std::string_view key, Choice& into, const std::array<std::string_view, N>& names) {
  std::string text(names.at(static_cast<std::size_t>(into)));
  section.text(key, text);
  if (!section.is_good(key)) return;
  const auto* const known = std::ranges::find(names, text);
  if (known == names.end()) {
    section.complain(key, fmt::format("is none of \"{}\"; write one of them", fmt::join(names, "\", \"")));
  } else {
    into = static_cast<Choice>(known - names.begin());
  }
}

/// Reads an array of addresses and networks.
inline void prefixes(Section& section, std::string_view key, std::vector<Prefix>& into) {
  parsed_texts(section, key, into, [](const std::string& text) -> std::expected<Prefix, AddressError> {
    auto prefix = Prefix::parse(text);
    if (prefix) return prefix;
    return std::unexpected(AddressError{
        prefix.error().text + R"(; write an address or a network, for example "192.0.2.25" or "192.0.2.0/24")"});
  });
}

}  // namespace blowback::config
