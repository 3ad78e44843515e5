#include "answerer.h"

namespace blowback::net {

Answerer::Answerer(const Responders::Sources& sources, const config::RateLimit& limits)
    : sources_(sources),
      zones_reader_(sources.zones),
      view_reader_(sources.view),
      limiter_(limits, sources.rate_limit_key) {
  refresh();
}

void Answerer::refresh() {
  static const zone::View kNothingYet;
  zones_ = zones_reader_.get();
  view_ = view_reader_.get();
  if (view_ == nullptr) view_ = &kNothingYet;
  moment_ = {.now = sources_.clock(),
             .steady = std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace blowback::net
