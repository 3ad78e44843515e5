// The whole tool as a function, so that tests can call it.
#pragma once

#include "blowback/unix_time.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace blowback::cli {

/// What a run of the tool gets from outside.
struct World {
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  std::FILE* in = stdin;
  UnixTime now{};
  std::string who;              ///< recorded with every change: a person's login name
  bool terminal = false;        ///< `out` is a terminal that takes bold
  std::size_t columns = 0;      ///< the width of that terminal, in characters; 0: `out` isn't a terminal
  bool shows_progress = false;  ///< `err` is a terminal
  std::function<const char*(const char*)> variable;  ///< std::getenv in the program
  std::uint16_t dns_port = 53;  ///< of name servers that are found by name; tests may not listen there
};

/// Exit codes, for scripts: yes, no, wrong use, system failed; and that the reader of the output has gone, with the code that a
/// shell has for a program ended by SIGPIPE.
enum Exit : int { kYes = 0, kNo = 1, kWrongUse = 2, kFailed = 3, kReaderGone = 141 };

/// `arguments` without the program's name. Returns one of Exit.
[[nodiscard]] int run(const std::vector<std::string>& arguments, const World& world);

}  // namespace blowback::cli
