#include "zone/history.h"

#include <utility>

namespace blowback::zone {

void History::keep(std::size_t most) {
  const std::scoped_lock lock(mutex_);
  most_ = most;
  forget_oldest();
}

void History::add(const View& before, const View& after, std::vector<Prefix> touched) {
  const std::scoped_lock lock(mutex_);
  // Equal serials mean equal zones: nothing to tell.
  if (before.serial == after.serial) return;
  if (!steps_.empty() && steps_.back().after != before.serial) {
    steps_.clear();
    touched_ = 0;
  }
  touched_ += touched.size();
  steps_.push_back({.before = before, .after = after.serial, .touched = std::move(touched)});
  forget_oldest();
}

void History::clear() {
  const std::scoped_lock lock(mutex_);
  steps_.clear();
  touched_ = 0;
}

void History::forget_oldest() {
  while (!steps_.empty() && (steps_.size() > most_ || touched_ > kMostTouched)) {
    touched_ -= steps_.front().touched.size();
    steps_.pop_front();
  }
}

std::optional<History::Since> History::since(std::uint32_t soa_serial, const View& until) const {
  const std::scoped_lock lock(mutex_);
  std::optional<Since> found;
  for (const auto& step : steps_) {
    if (!found && step.before.soa_serial() == soa_serial) found = Since{.view = step.before, .touched = {}};
    if (!found) continue;
    if (step.before.serial == until.serial) return found;
    found->touched.insert(found->touched.end(), step.touched.begin(), step.touched.end());
    if (step.after == until.serial) return found;
  }
  return std::nullopt;
}

}  // namespace blowback::zone
