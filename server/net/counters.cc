// Reading a worker's counters.
#include "counters.h"

namespace blowback::net {

answer::Tally OutcomeCounters::read() const {
  answer::Tally tally;
  for (std::size_t i = 0; i < answer::kOutcomes; ++i) tally.by_outcome[i] = by_outcome[i].read();
  tally.truncated = truncated.read();
  return tally;
}

}  // namespace blowback::net
