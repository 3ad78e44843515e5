// Refreshing.
#include "answerer.h"

namespace blowback::net {

Answerer::Answerer(const Responders::Sources& sources)
    : sources_(sources), zone_reader_(sources.zone), view_reader_(sources.view) {
  refresh();
}

void Answerer::refresh() {
  static const zone::View kNothingYet;
  zone_ = zone_reader_.get();
  view_ = view_reader_.get();
  if (view_ == nullptr) view_ = &kNothingYet;
  now_ = sources_.clock();
}

}  // namespace blowback::net
