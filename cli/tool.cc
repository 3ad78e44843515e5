#include "cli/tool.h"

#include "commands.h"
#include "parser.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace blowback::cli {

/// Output that can't be written is a failure, whatever the command: a script that reads half a list must learn of it.
int run(const std::vector<std::string>& arguments, const World& world) {
  int error = 0;
  try {
    Parser parser(world);
    auto tool = parser.tool();
    add_commands(tool);
    const int code = parser.run(arguments);
    if (std::fflush(world.out) == 0 && std::ferror(world.out) == 0) return code;
    error = errno;
  } catch (const std::system_error& failure) {
    if (std::ferror(world.out) == 0) throw;  // not of fmt::print
    error = failure.code().value();
  }
  if (error == EPIPE) return kReaderGone;
  std::fputs(
      fmt::format(
          "blowback: can't write all of the output: {}; free space there and run the command again. Changes that it "
          "made are in force: see `blowback log`\n",
          std::generic_category().message(error))
          .c_str(),
      world.err);
  return kFailed;
}

}  // namespace blowback::cli
