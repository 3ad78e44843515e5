#include "record/judges.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace blowback::record {
namespace {

/// Items per stretch. Few, since one message may take a hundred times as long as another; several, so that fetching a stretch costs
/// nothing in comparison.
constexpr std::size_t kStretch = 8;

/// The chunk that is being judged.
class Work {
 public:
  Work(const feed::Chunk& chunk, const Source& source, UnixTime now)
      : items_(chunk.items), source_(source), now_(now), batches_((items_.size() + kStretch - 1) / kStretch) {}

  /// Judges stretches until none is left. Safe from any thread.
  void judge_stretches() {
    for (std::size_t at = next_++; at < batches_.size(); at = next_++) {
      const std::size_t begin = at * kStretch;
      batches_[at] = batch_of_items(items_.subspan(begin, std::min(kStretch, items_.size() - begin)), source_, now_);
    }
  }

  /// Requires that all threads are done.
  [[nodiscard]] schema::Batch joined() && {
    schema::Batch whole = std::move(batches_.front());
    for (schema::Batch& batch : std::span(batches_).subspan(1)) {
      std::ranges::move(batch.incidents, std::back_inserter(whole.incidents));
      std::ranges::move(batch.quarantined, std::back_inserter(whole.quarantined));
      whole.counts.deliveries += batch.counts.deliveries;
      whole.counts.not_backscatter += batch.counts.not_backscatter;
      whole.counts.not_a_trap += batch.counts.not_a_trap;
      whole.counts.quarantined += batch.counts.quarantined;
      whole.dated_ahead += batch.dated_ahead;
    }
    return whole;
  }

 private:
  std::span<const feed::Item> items_;
  const Source& source_;
  UnixTime now_;
  std::vector<schema::Batch> batches_;  ///< one per stretch, written by the thread that judged it
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

class Judges::Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
  }

  void judge(Work& work) {
    {
      const std::lock_guard lock(mutex_);
      work_ = &work;
      ++round_;
      busy_ = threads_.size();
    }
    changed_.notify_all();
    work.judge_stretches();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return busy_ == 0; });
  }

 private:
  void serve(const std::stop_token& stop) {
    std::uint64_t seen = 0;
    while (true) {
      Work* work = nullptr;
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [&] { return round_ != seen; })) return;
        seen = round_;
        work = work_;
      }
      work->judge_stretches();
      const std::lock_guard lock(mutex_);
      if (--busy_ == 0) changed_.notify_all();
    }
  }

  std::mutex mutex_;  ///< guards work_, round_ and busy_
  std::condition_variable_any changed_;
  Work* work_ = nullptr;
  std::uint64_t round_ = 0;            ///< the number of the chunk
  std::size_t busy_ = 0;               ///< threads that still judge it
  std::vector<std::jthread> threads_;  ///< last: they use the rest
};

Judges::Judges(int judges) {
  assert(judges >= 1);
  if (judges > 1) pool_ = std::make_unique<Pool>(judges - 1);
}

Judges::~Judges() = default;

schema::Batch Judges::batch_of(const feed::Chunk& chunk, const Source& source, UnixTime now) {
  // To wake other threads takes longer than to judge a single message.
  if (!pool_ || chunk.items.size() <= kStretch) return record::batch_of(chunk, source, now);
  Work work(chunk, source, now);
  pool_->judge(work);
  auto batch = std::move(work).joined();
  batch.position = chunk.position;
  return batch;
}

}  // namespace blowback::record
