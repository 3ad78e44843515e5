#include "mail/html.h"

#include "blowback/text.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

namespace blowback::mail {
namespace {

[[nodiscard]] bool starts(std::string_view text, std::string_view what) {
  return equals_ignoring_case(text.substr(0, what.size()), what);
}

struct Entity {
  std::string text;
  std::size_t length = 0;  ///< octets of the reference; 0: it isn't one
};

// `&eacute;`, `&#233;`, `&#xE9;`: HTML 5.3 §8.5. Of the two thousand names, those of Latin-1 and punctuation, which mail programs write.
[[nodiscard]] Entity entity_at(std::string_view html) {
  static constexpr std::size_t kLongest = 10;
  const std::size_t end = html.substr(0, kLongest).find(';');
  if (end == std::string_view::npos || end < 3) return {};
  std::string_view name = html.substr(1, end - 1);
  gunichar letter = 0;
  if (name.front() == '#') {
    const int base = name[1] == 'x' || name[1] == 'X' ? 16 : 10;
    name.remove_prefix(base == 16 ? 2 : 1);
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), letter, base);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) return {};
  } else {
    static constexpr auto kNames = std::to_array<std::pair<std::string_view, gunichar>>(
        {{"nbsp", 0xA0},    {"lt", '<'},       {"gt", '>'},        {"amp", '&'},      {"quot", '"'},
         {"apos", '\''},    {"Agrave", 0xC0},  {"Aacute", 0xC1},   {"Acirc", 0xC2},   {"Atilde", 0xC3},
         {"Auml", 0xC4},    {"Aring", 0xC5},   {"AElig", 0xC6},    {"Ccedil", 0xC7},  {"Egrave", 0xC8},
         {"Eacute", 0xC9},  {"Ecirc", 0xCA},   {"Euml", 0xCB},     {"Igrave", 0xCC},  {"Iacute", 0xCD},
         {"Icirc", 0xCE},   {"Iuml", 0xCF},    {"Ntilde", 0xD1},   {"Ograve", 0xD2},  {"Oacute", 0xD3},
         {"Ocirc", 0xD4},   {"Otilde", 0xD5},  {"Ouml", 0xD6},     {"Oslash", 0xD8},  {"Ugrave", 0xD9},
         {"Uacute", 0xDA},  {"Ucirc", 0xDB},   {"Uuml", 0xDC},     {"Yacute", 0xDD},  {"szlig", 0xDF},
         {"agrave", 0xE0},  {"aacute", 0xE1},  {"acirc", 0xE2},    {"atilde", 0xE3},  {"auml", 0xE4},
         {"aring", 0xE5},   {"aelig", 0xE6},   {"ccedil", 0xE7},   {"egrave", 0xE8},  {"eacute", 0xE9},
         {"ecirc", 0xEA},   {"euml", 0xEB},    {"igrave", 0xEC},   {"iacute", 0xED},  {"icirc", 0xEE},
         {"iuml", 0xEF},    {"ntilde", 0xF1},  {"ograve", 0xF2},   {"oacute", 0xF3},  {"ocirc", 0xF4},
         {"otilde", 0xF5},  {"ouml", 0xF6},    {"oslash", 0xF8},   {"ugrave", 0xF9},  {"uacute", 0xFA},
         {"ucirc", 0xFB},   {"uuml", 0xFC},    {"yacute", 0xFD},   {"yuml", 0xFF},    {"laquo", 0xAB},
         {"raquo", 0xBB},   {"lsquo", 0x2018}, {"rsquo", 0x2019},  {"ldquo", 0x201C}, {"rdquo", 0x201D},
         {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"iexcl", 0xA1},   {"iquest", 0xBF},
         {"euro", 0x20AC},  {"shy", 0xAD},     {"scaron", 0x161},  {"Scaron", 0x160}});
    const auto* const known = std::ranges::find(kNames, name, &std::pair<std::string_view, gunichar>::first);
    if (known == kNames.end()) return {};
    letter = known->second;
  }
  if (letter == 0 || !g_unichar_validate(letter)) return {};
  if (letter == 0xA0) letter = ' ';
  std::array<char, 6> octets{};
  const int length = g_unichar_to_utf8(letter, octets.data());
  return {.text = std::string(octets.data(), static_cast<std::size_t>(length)), .length = end + 1};
}

}  // namespace

std::string words_of_html(std::string_view html) {
  std::string out;
  bool is_as_written = false;  // within <pre>
  std::size_t at = 0;
  while (at < html.size()) {
    const char c = html[at];
    if (c == '<') {
      for (const std::string_view hidden : {"style", "script", "title"}) {
        if (!starts(html.substr(at + 1), hidden)) continue;
        const std::string close = "</" + std::string(hidden);
        std::size_t end = at;
        do {
          end = html.find("</", end + 1);
        } while (end != std::string_view::npos && !starts(html.substr(end), close));
        at = std::min(end, html.size());  // never closed: the rest is hidden
        break;
      }
      if (at == html.size()) break;
      const std::string_view tag = html.substr(at + 1, 4);
      const bool breaks = starts(tag, "br") || starts(tag, "p") || starts(tag, "/p") || starts(tag, "/div") ||
                          starts(tag, "/tr") || starts(tag, "li") || starts(tag, "/h");
      const std::size_t end = html.find('>', at);
      if (end == std::string_view::npos) break;
      if (starts(html.substr(at + 1), "pre")) is_as_written = true;
      if (starts(html.substr(at + 1), "/pre")) is_as_written = false;
      // Tags within a line (`<b>`) don't indent it: a header's field that begins with a blank continues the one before.
      if (breaks) {
        out += '\n';
      } else if (!out.empty() && out.back() != '\n') {
        out += ' ';
      }
      at = end + 1;
      continue;
    }
    if (c == '&') {
      if (const Entity entity = entity_at(html.substr(at)); entity.length > 0) {
        out += entity.text;
        at += entity.length;
        continue;
      }
    }
    ++at;
    // Outside of <pre>, line ends and indentation of the source are blanks within a line.
    const bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (is_blank && !is_as_written) {
      if (!out.empty() && out.back() != '\n' && out.back() != ' ') out += ' ';
      continue;
    }
    out += c;
  }
  return out;
}

}  // namespace blowback::mail
