// The literals that the build computed for the built-in patterns (literals_of_tables.cc), so that a program doesn't have to compile all of these.
#pragma once

#include "telling_literals.h"

#include <optional>
#include <string_view>

namespace blowback::detect {

/// A KnownLiterals. A cross-build without an emulator knows none.
[[nodiscard]] std::optional<Telling> known_literals(std::string_view alternative);

}  // namespace blowback::detect
