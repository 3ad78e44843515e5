// A text file read whole, bounded.
#pragma once

#include "config/config.h"

#include <cstdint>
#include <expected>
#include <string>

namespace blowback::config {

/// What the file is to be, which decides how a failure is mended.
enum class FileUse : std::uint8_t {
  config,
  policy,  ///< one to try, named as an argument
  traps,
};

struct Unread {
  std::string text;  ///< `can't be read: No such file or directory; check the name`
};

/// Fails where it can't be read, or is larger than 4 MiB.
[[nodiscard]] std::expected<std::string, Unread> read_text(const std::string& file, FileUse use);
/// The same; the error names the file.
[[nodiscard]] std::expected<std::string, ConfigError> text_of(const std::string& file, FileUse use = FileUse::config);

}  // namespace blowback::config
