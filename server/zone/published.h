// Passes the newest value of one writer to many readers, which need no lock as long as it doesn't change.
//
// A reader holds a reference to the value that it saw last, and reads one atomic number to find out whether there is a newer one. Only then
// does it lock the mutex, to copy a pointer. That happens once per published value, not once per query, so a mutex is faster than a
// lock-free shared pointer, whose reference count all cores would write.
//
// The writer destroys old values once no reader holds them: an index has tens of thousands of blocks to free, and a reader that did it
// would delay its answers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace blowback::zone {

template <typename T>
class Published {
 public:
  /// Makes `value` the newest. Only one thread at a time may publish and reclaim.
  void publish(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    {
      const std::scoped_lock lock(mutex_);
      current_.swap(next);
    }
    generation_.fetch_add(1, std::memory_order_release);
    if (next) former_.push_back(std::move(next));
    reclaim();
  }

  /// Destroys old values that no reader holds any more. To be called now and then by the publishing thread.
  void reclaim() {
    // The reference count of an old value only decreases: readers copy the current one only.
    std::erase_if(former_, [](const auto& value) { return value.use_count() == 1; });
  }

  /// For one thread at a time: each thread makes its own. The Published must outlive it.
  class Reader {
   public:
    explicit Reader(const Published& source) : source_(&source) {}

    /// The newest value, or nullptr before the first. Valid until the next call.
    [[nodiscard]] const T* get() {
      const auto generation = source_->generation_.load(std::memory_order_acquire);
      if (generation != seen_) {
        // The pointer may be newer than the generation that was read above; then the next call copies it again.
        const std::scoped_lock lock(source_->mutex_);
        held_ = source_->current_;
        seen_ = generation;
      }
      return held_.get();
    }

   private:
    const Published* source_;
    std::shared_ptr<const T> held_;
    std::uint64_t seen_ = 0;
  };

 private:
  mutable std::mutex mutex_;  ///< guards current_
  std::shared_ptr<const T> current_;
  std::vector<std::shared_ptr<const T>> former_;  ///< only for the publishing thread
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace blowback::zone
