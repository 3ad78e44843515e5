#include "timed_view.h"

#include <utility>

namespace blowback::zone {

TimedView::TimedView(View view) : view_(std::move(view)) {
  if (view_.index) next_end_ = view_.index->ended(view_.as_of, view_.as_of).next;
}

bool TimedView::let_time_pass(UnixTime now, std::vector<Prefix>& ended) {
  if (!next_end_ || now < *next_end_) return false;
  auto found = view_.index->ended(view_.as_of, now);
  view_.as_of = now;
  view_.serial += found.prefixes.size();
  next_end_ = found.next;
  ended.insert(ended.end(), found.prefixes.begin(), found.prefixes.end());
  return true;
}

}  // namespace blowback::zone
