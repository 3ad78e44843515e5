// Text in HTML: what is escaped, and what is HTML already. A string is never HTML by mistake, since the two have different types.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace blowback::page {

/// HTML made by our own code: inserted as it is.
struct Html {
  std::string text;
};

/// Text of a language file or of the advice: settings are in backquotes, and shown as code. All else is escaped.
struct Marked {
  std::string text;
};

/// Appends `text` with `& < > " '` as character references: safe between tags and in a quoted attribute.
void append_escaped(std::string& to, std::string_view text);

/// A backquote without a partner stays a backquote.
void append_marked(std::string& to, std::string_view text);

[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace blowback::page
