// JSON lines of any octets: all are read, and there is one item per line that isn't blank.
#include "feed/feed.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/blowback-fuzz-jsonl-" + std::to_string(getpid());
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return 0;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  const std::string text(data, data + size);
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    if (end == std::string::npos) break;
    const auto line = std::string_view(text).substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) ++lines;
    at = end + 1;
  }
  auto feed = blowback::feed::open_jsonl(path, {});
  if (!feed) std::abort();
  blowback::feed::Bounds bounds;
  bounds.items = 3;
  std::size_t found = 0;
  for (bool drained = false; !drained;) {
    const auto chunk = (*feed)->next(bounds);
    if (!chunk || !(*feed)->committed()) std::abort();
    found += chunk->items.size();
    drained = chunk->drained;
  }
  std::remove(path.c_str());
  if (found != lines) std::abort();
  return 0;
}
