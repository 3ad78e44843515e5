// How a program's exit tells its starter what has to change before another start. docs/manual.md lists all statuses.
#pragma once

namespace blowback {

/// The config or the command line is wrong.
inline constexpr int kExitConfig = 2;
/// The system refuses what the program needs: a file, a port, memory.
inline constexpr int kExitSystem = 3;

}  // namespace blowback
