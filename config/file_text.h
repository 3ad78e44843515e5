// A text file read whole, bounded.
#pragma once

#include "config/config.h"

#include <expected>
#include <string>

namespace blowback::config {

/// Fails where it can't be read, or is larger than 4 MiB.
[[nodiscard]] std::expected<std::string, ConfigError> text_of(const std::string& file);

}  // namespace blowback::config
