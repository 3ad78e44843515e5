// A line on standard error that is overwritten in place: how far a feed is, how fast, how long it will take.
#pragma once

#include "feed/feed.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace blowback::record {

class ProgressLine {
 public:
  ProgressLine() = default;
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();  ///< ends the line, if one was begun

  /// `items`: deliveries since the last call. Draws at most four times a second, and always at the end of the file.
  void show(const std::string& feed, const std::optional<feed::Progress>& progress, std::size_t items);

 private:
  using Steady = std::chrono::steady_clock;
  std::string feed_;
  Steady::time_point began_;
  Steady::time_point drawn_;
  std::uint64_t began_at_ = 0;  // octets
  std::uint64_t items_ = 0;
  bool open_ = false;
};

}  // namespace blowback::record
