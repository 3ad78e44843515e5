// Which witnesses, or campaigns, reported a sender last: so many that the question how many different ones did so lately is
// answered from the sender's own row, however many it has behind it.
#pragma once

#include "blowback/reckoning.h"
#include "blowback/unix_time.h"

#include <cstdint>
#include <span>
#include <vector>

namespace blowback::schema {

class RecentParts {
 public:
  RecentParts() = default;
  explicit RecentParts(std::span<const std::uint8_t> octets);

  /// Different ones but `key` that reported after `since`, counted up to `most`. Right if `most` was given to `touch` before.
  [[nodiscard]] int others(PartKey key, UnixTime since, int most) const;
  /// `key` reported at `at`. Keeps enough to count up to `most`, which is Policy::distinct_traps or distinct_campaigns.
  void touch(PartKey key, UnixTime at, int most);
  [[nodiscard]] std::vector<std::uint8_t> octets() const;

 private:
  struct Part {
    PartKey key{};
    UnixTime at{};
  };
  std::vector<Part> latest_first_;
};

}  // namespace blowback::schema
