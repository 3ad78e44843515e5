// Compares two offsets between wall clock and time since boot: the trusted one and that of the reading.
#include "system/guarded_clock.h"

#include <algorithm>

namespace blowback {
namespace {

using Span = GuardedClock::Span;

[[nodiscard]] Span offset_of(const ClockReading& reading) {
  return reading.wall.time_since_epoch() - reading.since_boot;
}

[[nodiscard]] bool agree(Span a, Span b) { return std::chrono::abs(a - b) <= GuardedClock::kSlew; }

}  // namespace

GuardedClock::GuardedClock(const ClockReading& first) : offset_(offset_of(first)), believed_since_(first.since_boot) {
  if (first.wall < kEarliest) doubt_ = Span{0};
}

GuardedClock::Time GuardedClock::read(const ClockReading& reading) {
  const Span offset = offset_of(reading);
  const bool is_possible = reading.wall >= kEarliest;
  const bool believes_the_impossible = Time(offset_ + reading.since_boot) < kEarliest;
  if (agree(offset, offset_)) {
    offset_ = offset;
    candidate_.reset();
    doubt_ = is_possible ? std::nullopt : std::optional(Span{0});
    return reading.wall;
  }
  if (!candidate_ || !agree(offset, candidate_->offset)) {
    candidate_ = {.offset = offset, .since = reading.since_boot};
  }
  candidate_->offset = offset;
  const Span patience = std::min(kPatience, candidate_->since - believed_since_);
  if (is_possible && (believes_the_impossible || reading.since_boot - candidate_->since >= patience)) {
    offset_ = offset;
    believed_since_ = candidate_->since;
    candidate_.reset();
    doubt_.reset();
    return reading.wall;
  }
  doubt_ = offset - offset_;
  return Time(offset_ + reading.since_boot);
}

}  // namespace blowback
