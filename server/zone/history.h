// Earlier versions of the zone that secondaries may have: the base of IXFR (RFC 1995).
//
// One follower at a time writes, any thread may read. Versions share most of their pages (network_table.h), so that keeping one costs what its change
// had written anew.
#pragma once

#include "blowback/prefix.h"
#include "zone/view.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace blowback::zone {

class History {
 public:
  /// `most`: versions that are kept at a time; 0: none.
  explicit History(std::size_t most) : most_(most) {}

  /// Versions beyond the new number are forgotten.
  void keep(std::size_t most);

  /// To be called before `after` is published. Networks that aren't in `touched` are said the same of in both. The oldest versions are forgotten if there
  /// are too many, or more than kMostTouched networks in all.
  void add(const View& before, const View& after, std::vector<Prefix> touched);
  static constexpr std::size_t kMostTouched = 20'000;

  /// Forgets all: what comes isn't a change of what was, or the zone's own records are others.
  void clear();

  /// Likewise, but versions before `serial` may be found again.
  void begin(Serial serial);
  /// Like `add`, of an older version than all that are kept. False, and nothing is kept: it isn't the one before the oldest, there is no room, or all was
  /// forgotten since `begin`.
  [[nodiscard]] bool add_older(const View& before, const View& after, std::vector<Prefix> touched);
  /// The number of versions, without the present one.
  [[nodiscard]] std::size_t size() const;

  struct Since {
    View view;
    std::vector<Prefix> touched;  ///< of all changes since then; there may be duplicates
  };
  /// The version with that serial in its SOA, and what has changed from there to `until`. Absent: one of them isn't kept.
  [[nodiscard]] std::optional<Since> since(std::uint32_t soa_serial, const View& until) const;

 private:
  struct Step {
    View before;
    Serial after = 0;
    std::vector<Prefix> touched;
  };
  void forget_all();
  void forget_oldest();

  mutable std::mutex mutex_;  ///< guards all below
  std::size_t most_;
  std::deque<Step> steps_;  ///< each begins where the one before ends
  std::size_t touched_ = 0;
  std::optional<Serial> oldest_;  ///< what is older may be added before it; absent: nothing may
};

}  // namespace blowback::zone
