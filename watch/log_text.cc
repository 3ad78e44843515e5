#include "log_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace blowback::watch {
namespace {

/// The length in octets of the first character; 0: it isn't UTF-8. Requires that `text` isn't empty.
[[nodiscard]] std::size_t character(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = octet(0);
  if (lead < 0x80) return 1;
  // RFC 3629 §4: the range of the second octet excludes overlong forms, surrogates and everything above U+10FFFF.
  struct Form {
    std::uint8_t from, to, second_from, second_to;
    std::size_t size;
  };
  static constexpr std::array<Form, 8> kForms{{{0xC2, 0xDF, 0x80, 0xBF, 2},
                                               {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                               {0xE1, 0xEC, 0x80, 0xBF, 3},
                                               {0xED, 0xED, 0x80, 0x9F, 3},
                                               {0xEE, 0xEF, 0x80, 0xBF, 3},
                                               {0xF0, 0xF0, 0x90, 0xBF, 4},
                                               {0xF1, 0xF3, 0x80, 0xBF, 4},
                                               {0xF4, 0xF4, 0x80, 0x8F, 4}}};
  const auto* const form =
      std::ranges::find_if(kForms, [&](const Form& each) { return lead >= each.from && lead <= each.to; });
  if (form == kForms.end() || text.size() < form->size) return 0;
  if (octet(1) < form->second_from || octet(1) > form->second_to) return 0;
  for (std::size_t i = 2; i < form->size; ++i) {
    if (octet(i) < 0x80 || octet(i) > 0xBF) return 0;
  }
  return form->size;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto size = character(text);
    if (size == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto size = character(text);
    const auto first = static_cast<std::uint8_t>(text.front());
    // C1 is U+0080 to U+009F, which begin with C2; a terminal may take U+009B for the start of a command.
    const bool c1 = size == 2 && first == 0xC2 && static_cast<std::uint8_t>(text[1]) < 0xA0;
    if (first == '"' || first == '\\') {
      out += '\\';
      out += text.front();
    } else if (first == '\n') {
      out += "\\n";
    } else if (first == '\r') {
      out += "\\r";
    } else if (first == '\t') {
      out += "\\t";
    } else if (size == 0 || c1 || first < 0x20 || first == 0x7F) {
      for (const char c : text.substr(0, std::max<std::size_t>(size, 1))) {
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint8_t>(c));
      }
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out + '"';
}

bool is_bare(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '=' && c != '\\'; });
}

}  // namespace blowback::watch
