// A line on a terminal that is overwritten in place: how far something is, how fast, how long it will take.
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
  /// Nothing is drawn in the first `quiet` of a piece of work: what is done by then needs no line. `out` must outlive it.
  explicit ProgressLine(std::FILE* out, std::chrono::milliseconds quiet) : out_(out), quiet_(quiet) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();  ///< ends the line, if one was begun

  /// `work`: what is done, which begins anew where it changes. `items`, called `unit`: since the last call. Draws at most four
  /// times a second, and at the end, which is where `done` reaches `total`. Nothing is drawn where the total is 0.
  void show(const std::string& work, std::uint64_t done, std::uint64_t total, std::uint64_t items,
            std::string_view unit);
  /// Ends the line early, before something else is printed to the terminal. What goes on afterwards begins a new one.
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
