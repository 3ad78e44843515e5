// Where a trap stands: in the config or in the file of traps, by itself or by a domain around it.
#pragma once

#include "config/config.h"
#include "config/written.h"

#include <optional>
#include <string>
#include <string_view>

namespace blowback::cli {

struct TrapPlace {
  std::string place;  ///< `/etc/blowback/blowback.toml:7`, or the file of traps
  std::string by;     ///< what stands there, as the config writes it: the trap itself, or a domain around it
};

/// Whether it names a domain and no address: `trap.example.net`, `*.trap.example.net`, `@trap.example.net`.
[[nodiscard]] bool is_trap_domain(std::string_view trap);

/// What makes a trap of `trap`, written as config::trap_line does. Absent: nothing does. `own`: the traps that the config names itself.
/// `all`: with those of the file. Pure.
[[nodiscard]] std::optional<TrapPlace> place_of(const std::string& trap, const config::Config& own,
                                                const config::Lines& lines, const config::Traps& all);

/// A trap as the database names it, as the config writes it: `@trap.example.net` is `trap.example.net`, or `*.trap.example.net`.
[[nodiscard]] std::string as_configured(const std::string& trap, const config::Traps& traps);

}  // namespace blowback::cli
