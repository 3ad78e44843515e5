// Reads a text file completely, up to a limit.
#pragma once

#include "config/config.h"

#include <cstdint>
#include <expected>
#include <string>

namespace blowback::config {

/// What the file is for, which determines the advice in an error.
enum class FileUse : std::uint8_t {
  config,
  policy,  ///< a policy that was named as an argument
  traps,
  signatures,
};

struct Unread {
  std::string text;  ///< `can't be read: No such file or directory; check the name`
};

/// Fails if it can't be read, or is larger than 4 MiB.
[[nodiscard]] std::expected<std::string, Unread> read_text(const std::string& file, FileUse use);
/// Likewise; the error names the file.
[[nodiscard]] std::expected<std::string, ConfigError> text_of(const std::string& file, FileUse use = FileUse::config);

}  // namespace blowback::config
