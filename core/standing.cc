#include "blowback/standing.h"

#include <cassert>
#include <cmath>

namespace blowback {

double faded(const FadingSum& sum, UnixTime now, Duration half_life) {
  assert(half_life > Duration{0});
  if (now <= sum.at) return sum.amount;
  const auto elapsed = static_cast<double>((now - sum.at).count());
  return sum.amount * std::exp2(-elapsed / static_cast<double>(half_life.count()));
}

double faded_part(const FadingSum& sum, UnixTime now, Duration half_life, Duration forgotten_after) {
  return now >= sum.at + forgotten_after ? 0 : faded(sum, now, half_life);
}

}  // namespace blowback
