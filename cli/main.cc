// blowback: the operator's tool. Here is only what a process has; the rest is called by cli/tool.cc.
#include "cli/tool.h"

#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <system_error>
#include <vector>

namespace {

/// The person who decides: the user who called sudo, else the login name.
std::string who() {
  if (const char* const name = std::getenv("SUDO_USER"); name != nullptr && *name != '\0') return name;
  if (const passwd* const entry = getpwuid(getuid()); entry != nullptr) return entry->pw_name;
  return "uid " + std::to_string(getuid());
}

/// COLUMNS if the shell exports it, else the width of the terminal; 0: standard output isn't a terminal.
std::size_t columns() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  if (const char* const text = std::getenv("COLUMNS"); text != nullptr) {
    const std::string_view digits(text);
    std::size_t width = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), width);
    if (error == std::errc{} && end == digits.end()) return width;
  }
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

int main(int argc, char** argv) {
  // https://no-color.org: set to anything but an empty string.
  const char* const variable = std::getenv("NO_COLOR");
  const bool no_color = variable != nullptr && *variable != '\0';
  const blowback::cli::World world{
      .out = stdout,
      .err = stderr,
      .in = stdin,
      .now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
      .who = who(),
      .terminal = isatty(STDOUT_FILENO) != 0 && !no_color,
      .columns = columns(),
      .shows_progress = isatty(STDERR_FILENO) != 0,
      .variable = [](const char* name) -> const char* { return std::getenv(name); },
  };
  return blowback::cli::run(std::vector<std::string>(argv + 1, argv + argc), world);
}
