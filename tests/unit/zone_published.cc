// Handing values from one thread to many.
#include "catch.h"
#include "zone/published.h"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using blowback::zone::Published;

TEST_CASE("a reader sees nothing before the first value, and then always the newest", "[zone]") {
  Published<int> published;
  Published<int>::Reader reader(published);
  CHECK(reader.get() == nullptr);
  published.publish(1);
  REQUIRE(reader.get() != nullptr);
  CHECK(*reader.get() == 1);
  published.publish(2);
  CHECK(*reader.get() == 2);
}

TEST_CASE("readers in other threads see values in order, and the last one", "[zone]") {
  constexpr int kLast = 2000;
  Published<std::vector<int>> published;
  std::atomic<int> out_of_order = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      Published<std::vector<int>>::Reader reader(published);
      int before = 0;
      while (before < kLast) {
        const auto* const value = reader.get();
        if (value == nullptr) continue;
        if (value->front() < before || value->front() != value->back()) ++out_of_order;
        before = value->front();
      }
    });
  }
  for (int i = 1; i <= kLast; ++i) published.publish(std::vector<int>(64, i));
  readers.clear();
  CHECK(out_of_order == 0);
}

TEST_CASE("an old value is destroyed by its publisher, however late a reader releases it", "[zone]") {
  struct Tracked {
    std::shared_ptr<std::atomic<std::thread::id>> destroyed_by;
    explicit Tracked(std::shared_ptr<std::atomic<std::thread::id>> by) : destroyed_by(std::move(by)) {}
    Tracked(Tracked&&) = default;
    ~Tracked() {
      if (destroyed_by) *destroyed_by = std::this_thread::get_id();
    }
  };
  const auto destroyed_by = std::make_shared<std::atomic<std::thread::id>>();
  Published<Tracked> published;
  published.publish(Tracked(destroyed_by));
  std::atomic<int> step = 0;
  std::jthread other([&] {
    Published<Tracked>::Reader reader(published);
    CHECK(reader.get() != nullptr);
    step = 1;
    while (step != 2) std::this_thread::yield();
    CHECK(reader.get() != nullptr);  // releases the old one, as its last holder
    step = 3;
  });
  while (step != 1) std::this_thread::yield();
  published.publish(Tracked(nullptr));
  published.reclaim();
  CHECK(*destroyed_by == std::thread::id());
  step = 2;
  while (step != 3) std::this_thread::yield();
  CHECK(*destroyed_by == std::thread::id());
  published.reclaim();
  CHECK(*destroyed_by == std::this_thread::get_id());
}
