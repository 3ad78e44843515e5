// One writer's newest value, handed to many readers that take no lock while nothing has changed.
//
// A reader keeps a share of the value it saw last, and looks at one atomic number to learn whether there is a newer one.
// Only then it takes the mutex, for the length of copying a pointer. That happens as often as values are published, not
// as often as queries come, so a plain mutex beats a lock-free shared pointer (whose reference count all cores would write).
//
// Former values are the writer's to destroy, once no reader holds them: an index has tens of thousands of blocks to give back,
// and a reader that came last would have its clients wait for that.
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
  /// From now on readers get `value`. One thread at a time may publish and reclaim.
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

  /// Destroys former values that no reader holds any more. To be called now and then by who publishes.
  void reclaim() {
    // A former value's count only falls: readers take the current one alone.
    std::erase_if(former_, [](const auto& value) { return value.use_count() == 1; });
  }

  /// One thread at a time may use a Reader; make one per thread. The Published must outlive it.
  class Reader {
   public:
    explicit Reader(const Published& source) : source_(&source) {}

    /// The newest value, or nullptr before the first. Valid until the next call.
    [[nodiscard]] const T* get() {
      const auto generation = source_->generation_.load(std::memory_order_acquire);
      if (generation != seen_) {
        // The pointer may be newer than the generation read above; then the next call copies it once more.
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
  std::vector<std::shared_ptr<const T>> former_;  ///< the publishing thread's own
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace blowback::zone
