// What a worker answers from: the zone, the list and the time, looked up once per turn and not once per query.
//
// The seam between bytes and meaning: UDP and TCP both end here. One thread at a time: each worker has its own.
#pragma once

#include "answer/answer.h"
#include "net/responders.h"
#include "zone/published.h"

#include <cstdint>
#include <span>

namespace blowback::net {

class Answerer {
 public:
  explicit Answerer(const Responders::Sources& sources);

  /// From now on the newest of everything. To be called before each batch, and once in a while by an idle worker: as long as it
  /// holds an old list, its memory isn't given back.
  void refresh();

  /// Requires one refresh before. `reply` has room for the longest reply of that transport.
  [[nodiscard]] answer::Answer operator()(std::span<const std::uint8_t> query, answer::Transport transport,
                                          std::span<std::uint8_t> reply) const {
    return answer::answer({.message = query, .transport = transport}, *zone_, *view_, now_, reply);
  }

 private:
  const Responders::Sources& sources_;
  zone::Published<answer::ServedZone>::Reader zone_reader_;
  zone::Published<zone::View>::Reader view_reader_;
  const answer::ServedZone* zone_ = nullptr;
  const zone::View* view_ = nullptr;
  UnixTime now_{};
};

}  // namespace blowback::net
