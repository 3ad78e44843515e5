// Completion for shells, made from the tool's own tree of commands, so that it covers every command and option.
#pragma once

#include "command.h"

#include <string>
#include <string_view>

namespace blowback::cli {

/// The script for `shell`: `bash`, `zsh` or `fish`. It completes commands, options, known values and, where an argument is a
/// file, file names. Pure.
[[nodiscard]] std::string completion(const CommandOutline& tool, std::string_view shell);

}  // namespace blowback::cli
