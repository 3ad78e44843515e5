// Octets on the socket pair between ingest and its milter: reading them in pieces or at once gives the same frames, and writing the frames
// gives the same octets. The first octet is the size of the pieces.
#include "milter/frame.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using blowback::milter::FrameReader;
using blowback::milter::to_octets;

namespace {

constexpr std::size_t kLongest = 1U << 16U;

/// All frames, written again, and whether reading ended with an error.
std::string read_again(std::string_view octets, std::size_t most) {
  FrameReader reader(kLongest);
  std::string written;
  while (true) {
    const auto frame = reader.next();
    if (!frame) return written + "!";
    if (*frame) {
      const auto again = to_octets(**frame);
      FrameReader strict(kLongest + again.size());
      strict.add(again);
      const auto same = strict.next();
      if (!same || !*same || to_octets(**same) != again) std::abort();
      written += again;
      continue;
    }
    if (octets.empty()) return written;
    reader.add(octets.substr(0, most));
    octets.remove_prefix(std::min(most, octets.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets are octets
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read_again(octets, octets.size() + 1) != read_again(octets, std::size_t{1} + data[0])) std::abort();
  return 0;
}
