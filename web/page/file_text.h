// Reads the files of the page: templates, languages, the stylesheet.
#pragma once

#include "page/texts.h"

#include <expected>
#include <string>

namespace blowback::page {

/// The content; fails if it can't be read or has more than 1 MiB.
[[nodiscard]] std::expected<std::string, PageError> text_of_file(const std::string& path);

}  // namespace blowback::page
