// One writer's newest value, handed to many readers that take no lock while nothing has changed.
//
// A reader keeps a share of the value it saw last, and looks at one atomic number to learn whether there is a newer one.
// Only then it takes the mutex, for the length of copying a pointer. That happens as often as values are published, not
// as often as queries come, so a plain mutex beats a lock-free shared pointer (whose reference count all cores would write).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace blowback::zone {

template <typename T>
class Published {
 public:
  /// From now on readers get `value`. Safe from any thread.
  void publish(T value) {
    auto next = std::make_shared<const T>(std::move(value));
    {
      const std::scoped_lock lock(mutex_);
      current_.swap(next);
    }
    generation_.fetch_add(1, std::memory_order_release);
    // What readers still hold of the former value lives until they have moved on; our share of it ends here, unlocked.
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
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace blowback::zone
