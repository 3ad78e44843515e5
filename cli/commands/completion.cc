// `blowback completion SHELL`: prints a script that completes the tool's commands and options.
#include "completion.h"

#include "commands.h"

#include <memory>
#include <string>

namespace blowback::cli {

void add_completion(Command& tool) {
  const auto shell = std::make_shared<std::string>();
  tool.add({.name = "completion",
            .summary = "Print a completion script for a shell",
            .notes = {},
            .examples = "  blowback completion bash >/usr/share/bash-completion/completions/blowback\n"
                        "  blowback completion zsh >/usr/share/zsh/vendor-completions/_blowback\n"
                        "  blowback completion fish >/usr/share/fish/vendor_completions.d/blowback.fish\n"},
           [shell, tool](const Context& context) {
             context.print_line(completion(tool.outline(), *shell));
             return static_cast<int>(kYes);
           })
      .option("SHELL", *shell, "bash, zsh or fish")
      .required()
      .one_of("shell", {"bash", "zsh", "fish"});
}

}  // namespace blowback::cli
