// The text of a page, for readers that only have plain text.
#pragma once

#include <string>
#include <string_view>

namespace blowback::mail {

/// The words of an HTML text, without tags, styles and scripts, and with references to characters decoded. Linear. Pure.
[[nodiscard]] std::string words_of_html(std::string_view html);

}  // namespace blowback::mail
