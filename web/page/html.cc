#include "html.h"

namespace blowback::page {

void append_escaped(std::string& to, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        to += "&quot;";
        break;
      case '\'':
        to += "&#39;";
        break;
      default:
        to += c;
    }
  }
}

void append_marked(std::string& to, std::string_view text) {
  while (!text.empty()) {
    const auto begin = text.find('`');
    const auto end = begin == std::string_view::npos ? begin : text.find('`', begin + 1);
    if (end == std::string_view::npos) break;
    append_escaped(to, text.substr(0, begin));
    to += "<code>";
    append_escaped(to, text.substr(begin + 1, end - begin - 1));
    to += "</code>";
    text.remove_prefix(end + 1);
  }
  append_escaped(to, text);
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

}  // namespace blowback::page
