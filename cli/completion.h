// Completion for shells, made of the tool's own tree of commands, so that it knows each command and option there is.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace blowback::cli {

/// The script for `shell`: `bash`, `zsh` or `fish`. Completes commands, options, an option's choices (those of a
/// CLI::IsMember or a CLI::CheckedTransformer) and, where an argument is called FILE or PATH, names of files. Pure.
[[nodiscard]] std::string completion(const CLI::App& app, std::string_view shell);

}  // namespace blowback::cli
