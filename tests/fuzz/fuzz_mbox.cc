// An mbox file of any octets: it is read to its end, each item is within its bounds, and small chunks give the same items as large ones.
#include "feed/feed.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

namespace {

std::vector<std::string> messages(const std::string& path, blowback::feed::MboxQuoting quoting,
                                  const blowback::feed::Bounds& bounds, std::size_t size) {
  std::vector<std::string> found;
  auto feed = blowback::feed::open_mbox(path, quoting, {});
  if (!feed) std::abort();
  for (std::size_t round = 0; round <= size + 2; ++round) {
    auto chunk = (*feed)->next(bounds);
    if (!chunk) std::abort();
    for (auto& item : chunk->items) {
      if (const auto* const delivery = std::get_if<blowback::TrapDelivery>(&item.content)) {
        if (delivery->message.size() > bounds.message) std::abort();
        found.push_back(item.where + (delivery->doubtful_boundary ? " doubtful " : " ") + delivery->message);
      } else {
        found.push_back(item.where + std::get<blowback::feed::Unreadable>(item.content).reason);
      }
    }
    if (!(*feed)->committed()) std::abort();
    if (chunk->drained) return found;
  }
  std::abort();  // the end was never reached
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = "/tmp/blowback-fuzz-mbox-" + std::to_string(getpid());
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return 0;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  blowback::feed::Bounds large;
  large.message = 1000;
  auto small = large;
  small.items = 1;
  using enum blowback::feed::MboxQuoting;
  for (const auto quoting : {none, mboxrd, mboxo, content_length}) {
    if (messages(path, quoting, large, size) != messages(path, quoting, small, size)) std::abort();
  }
  std::remove(path.c_str());
  return 0;
}
