// A line on a terminal that is updated in place: progress, rate and time left.
#pragma once

#include "blowback/unix_time.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace blowback {

class ProgressLine {
 public:
  /// Nothing is drawn in the first `quiet` of a task, so that short tasks draw nothing. `out` must outlive it.
  explicit ProgressLine(std::FILE* out, std::chrono::milliseconds quiet) : out_(out), quiet_(quiet) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();  ///< ends the line if there is one

  /// `work`: the task; another name begins another task. `items`, called `unit`: since the last call. Draws at most four times a second, and
  /// at the end, when `done` reaches `total`. Draws nothing if the total is 0.
  void show(const std::string& work, std::uint64_t done, std::uint64_t total, std::uint64_t items,
            std::string_view unit);
  /// Ends the line early, before something else is printed to the terminal. The next `show` begins a new line.
  void interrupt();

 private:
  using Steady = std::chrono::steady_clock;
  std::FILE* out_;
  std::chrono::milliseconds quiet_;
  std::string work_;
  Steady::time_point began_;
  Steady::time_point drawn_;
  std::uint64_t began_at_ = 0;
  std::uint64_t items_ = 0;
  bool open_ = false;
};

}  // namespace blowback
