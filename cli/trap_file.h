// The file of traps (`traps.file` in the config), changed without an editor: whole or not at all. Ingest reads it at a reload.
#pragma once

#include "context.h"

#include <string>

namespace blowback::cli {

/// `trap`: an address, a domain, or `*.` and a domain. Both print what was done, or why not, and return one of Exit.
int add_to_trap_file(const Context& context, const std::string& trap);
int remove_from_trap_file(const Context& context, const std::string& trap);

}  // namespace blowback::cli
