// What the tests of the feeds share: a folder, files in it, and a feed's items in words.
#pragma once

#include "catch.h"
#include "feed/feed.h"
#include "folder.h"
#include "sanitized.h"

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace blowback::feed {

struct Folder : test::Folder {
  [[nodiscard]] std::string path(const std::string& name = "") const {
    return name.empty() ? test::Folder::path().string() : file(name);
  }
};

inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
inline void append_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}
inline std::string read_file(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

/// `where: message` or `where: reason`.
inline std::string in_words(const Item& item) {
  if (const auto* const delivery = std::get_if<TrapDelivery>(&item.content))
    return item.where + ": " + delivery->message;
  return item.where + ": (" + std::get<Unreadable>(item.content).reason + ")";
}

inline std::vector<std::string> in_words(const Chunk& chunk) {
  std::vector<std::string> words;
  for (const auto& item : chunk.items) words.push_back(in_words(item));
  return words;
}

/// The next chunk; the test fails where there is an error.
inline Chunk next(Feed& feed, const Bounds& bounds = {}) {
  auto chunk = feed.next(bounds);
  if (!chunk) FAIL(chunk.error().text);
  return std::move(*chunk);
}

/// Commits after each chunk until the feed is drained; `position` is what a store would have then.
inline std::vector<Item> take_all(Feed& feed, std::optional<std::string>& position, const Bounds& bounds = {}) {
  std::vector<Item> items;
  for (int i = 0; i < 100'000; ++i) {
    auto chunk = next(feed, bounds);
    for (auto& item : chunk.items) items.push_back(std::move(item));
    if (chunk.position) position = chunk.position;
    if (auto moved = feed.committed(); !moved) FAIL(moved.error().text);
    if (chunk.drained) return items;
  }
  FAIL("the feed is never drained");
  return items;
}

inline std::vector<std::string> take_all(Feed& feed) {
  std::optional<std::string> position;
  std::vector<std::string> words;
  for (const auto& item : take_all(feed, position)) words.push_back(in_words(item));
  return words;
}

inline std::unique_ptr<Feed> opened(std::expected<std::unique_ptr<Feed>, FeedError> feed) {
  if (!feed) FAIL(feed.error().text);
  return std::move(*feed);
}

inline const TrapDelivery& delivery(const Item& item) {
  CAPTURE(in_words(item));
  REQUIRE(std::holds_alternative<TrapDelivery>(item.content));
  return std::get<TrapDelivery>(item.content);
}

inline const Unreadable& unreadable(const Item& item) {
  CAPTURE(in_words(item));
  REQUIRE(std::holds_alternative<Unreadable>(item.content));
  return std::get<Unreadable>(item.content);
}

/// Sanitizers keep freed memory for a while, so its peak doesn't show what the code needs.
inline constexpr bool kMemoryTells = !kIsSanitized;

/// Peak memory of this process in octets.
inline std::size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::size_t size = 0;
  while (status >> word) {
    if (word == "VmHWM:") status >> size;
  }
  return size * 1024;
}

/// Sets the peak back to what is held now.
inline void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

using Words = std::vector<std::string>;

}  // namespace blowback::feed
