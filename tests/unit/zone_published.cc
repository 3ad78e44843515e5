// Handing values from one thread to many.
#include "zone/published.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
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

TEST_CASE("readers in threads of their own see values in their order, and the last one", "[zone]") {
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
