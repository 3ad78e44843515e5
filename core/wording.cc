#include "blowback/wording.h"

namespace blowback {

std::string heading(std::string_view text, bool bold) {
  return bold ? "\033[1m" + std::string(text) + "\033[0m" : std::string(text);
}

std::string minute(UnixTime time) {
  std::string text = to_iso8601(time).substr(0, 16);
  text[10] = ' ';
  return text;
}

std::string when(UnixTime time, UnixTime now) {
  if (time > now) return minute(time) + " (in " + in_words(time - now) + ")";
  return minute(time) + " (" + in_words(now - time) + " ago)";
}

std::string harmless(std::string_view text, std::size_t most) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const bool continues = (octet & 0xc0U) == 0x80;
    if (shown.size() >= most && !continues) return shown + "…";
    // C0 and DEL; C1 controls (U+0080 to U+009F) are C2 80 to C2 9F in UTF-8.
    const bool c1 = octet == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (octet < 0x20 || octet == 0x7f) {
      shown += ' ';
    } else if (c1) {
      shown += ' ';
      ++i;
    } else {
      shown += text[i];
    }
  }
  return shown;
}

}  // namespace blowback
