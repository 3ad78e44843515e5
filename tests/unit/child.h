// Runs something in a child, for what can't be undone in a process.
#pragma once

#include "catch.h"

#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>
#include <sys/wait.h>

namespace blowback {

/// `exit N` or `signal N`: how the child ended that ran `what` and returned its value.
inline std::string end_of_child(const std::function<int()>& what) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Catch2's own handler would tell of the signal as of a failure.
    if (std::signal(SIGABRT, SIG_DFL) == SIG_ERR) _exit(254);
    _exit(what());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit " + std::to_string(WEXITSTATUS(status));
}

}  // namespace blowback
