// A view whose entries end as time passes.
#pragma once

#include "blowback/prefix.h"
#include "blowback/unix_time.h"
#include "zone/view.h"

#include <optional>
#include <vector>

namespace blowback::zone {

class TimedView {
 public:
  /// Without an index.
  TimedView() = default;
  explicit TimedView(View view);

  [[nodiscard]] const View& view() const { return view_; }

  /// Ends what ends by `now`: each entry moves the serial by one. Appends their networks to `ended`. False: nothing changed. A `now` before
  /// `view().as_of` has no effect: what has ended isn't listed again.
  bool let_time_pass(UnixTime now, std::vector<Prefix>& ended);

 private:
  View view_;
  std::optional<UnixTime> next_end_;  ///< absent: nothing ends
};

}  // namespace blowback::zone
