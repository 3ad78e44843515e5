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
  if (!steps_.empty() && steps_.back().after != before.serial) forget_all();
  if (steps_.empty() && oldest_ != before.serial) oldest_.reset();
  touched_ += touched.size();
  steps_.push_back({.before = before, .after = after.serial, .touched = std::move(touched)});
  forget_oldest();
}

void History::clear() {
  const std::scoped_lock lock(mutex_);
  forget_all();
}

void History::begin(Serial serial) {
  const std::scoped_lock lock(mutex_);
  forget_all();
  oldest_ = serial;
}

bool History::add_older(const View& before, const View& after, std::vector<Prefix> touched) {
  const std::scoped_lock lock(mutex_);
  if (oldest_ != after.serial || steps_.size() >= most_ || touched_ + touched.size() > kMostTouched) return false;
  touched_ += touched.size();
  steps_.push_front({.before = before, .after = after.serial, .touched = std::move(touched)});
  oldest_ = before.serial;
  return true;
}

std::size_t History::size() const {
  const std::scoped_lock lock(mutex_);
  return steps_.size();
}

void History::forget_all() {
  steps_.clear();
  touched_ = 0;
  oldest_.reset();
}

void History::forget_oldest() {
  while (!steps_.empty() && (steps_.size() > most_ || touched_ > kMostTouched)) {
    touched_ -= steps_.front().touched.size();
    steps_.pop_front();
    oldest_.reset();
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
