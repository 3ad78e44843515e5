// Names and sums of outcomes.
#include "answer/outcome.h"

#include <numeric>

namespace blowback::answer {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::listed:
      return "listed";
    case Outcome::test_point:
      return "test_point";
    case Outcome::apex:
      return "apex";
    case Outcome::nodata:
      return "nodata";
    case Outcome::nxdomain:
      return "nxdomain";
    case Outcome::misuse:
      return "misuse";
    case Outcome::refused:
      return "refused";
    case Outcome::formerr:
      return "formerr";
    case Outcome::notimp:
      return "notimp";
    case Outcome::badvers:
      return "badvers";
    case Outcome::servfail:
      return "servfail";
    case Outcome::dropped:
      return "dropped";
  }
  return "";
}

std::uint64_t Tally::sum() const { return std::accumulate(by_outcome.begin(), by_outcome.end(), std::uint64_t{0}); }

Tally& Tally::operator+=(const Tally& other) {
  for (std::size_t i = 0; i < kOutcomes; ++i) by_outcome[i] += other.by_outcome[i];
  truncated += other.truncated;
  return *this;
}

}  // namespace blowback::answer
