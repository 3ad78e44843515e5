// Where a trap is configured: in the config or in the file of traps, by its own name or by its domain.
#pragma once

#include "config/config.h"
#include "config/written.h"

#include <optional>
#include <string>
#include <string_view>

namespace blowback::cli {

struct TrapPlace {
  std::string place;  ///< `/etc/blowback/blowback.toml:7`, or the file of traps
  std::string by;     ///< the entry there, as the config writes it: the trap itself, or its domain
};

/// Whether it is a domain, not an address: `trap.example.net`, `*.trap.example.net`, `@trap.example.net`.
[[nodiscard]] bool is_trap_domain(std::string_view trap);

/// The entry that makes `trap` a trap, `trap` being in the form of config::trap_line. Absent: it isn't a trap. `own`: the config
/// without the file of traps. `all`: its traps with those of the file. Pure.
[[nodiscard]] std::optional<TrapPlace> place_of(const std::string& trap, const config::Config& own,
                                                const config::Lines& lines, const config::Traps& all);

/// Converts the database's form of a trap to that of the config: `@trap.example.net` to `trap.example.net` or
/// `*.trap.example.net`.
[[nodiscard]] std::string as_configured(const std::string& trap, const config::Traps& traps);

}  // namespace blowback::cli
