// The witnesses, or campaigns, that reported a sender last: enough of them to count the distinct recent ones from the sender's own row, however
// many there were in all.
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

  /// The number of keys other than `key` that reported after `since`, up to `most`. Requires that `touch` had the same `most`.
  [[nodiscard]] int others(PartKey key, UnixTime since, int most) const;
  /// Records that `key` reported at `at`. Keeps enough keys to count up to `most`, which is Policy::distinct_traps or distinct_campaigns.
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
