// The progress of a command, shown on standard error if that is a terminal and the command takes longer than two seconds.
#pragma once

#include "context.h"
#include "system/progress_line.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::cli {

class Progress {
 public:
  /// `work`: the name of the command, `import`. `prints`: it prints lines while it works, so if they go to a terminal no other
  /// progress is shown.
  Progress(const Context& context, std::string work, bool prints = false)
      : shows_(context.world.shows_progress && (!prints || context.world.columns == 0)),
        work_(std::move(work)),
        line_(context.world.err, kQuiet) {}

  /// `unit`: of both numbers, `addresses`.
  void show(std::uint64_t done, std::uint64_t total, std::string_view unit) {
    if (shows_) line_.show(work_, done, total, done - std::exchange(done_, done), unit);
  }
  /// Call before anything else is printed on standard error.
  void end() { line_.interrupt(); }

 private:
  static constexpr std::chrono::milliseconds kQuiet{2'000};
  bool shows_;
  std::string work_;
  std::uint64_t done_ = 0;
  ProgressLine line_;
};

}  // namespace blowback::cli
