// Sixteen octets each: the key and the time, big-endian.
#include "recent_parts.h"

#include <algorithm>
#include <cstddef>

namespace blowback::schema {
namespace {

constexpr std::size_t kOctets = 16;
/// The minimum to keep, for a policy that later requires a few more.
constexpr std::size_t kLeast = 4;

[[nodiscard]] std::uint64_t number_in(std::span<const std::uint8_t> octets) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = (number << 8U) | octets[i];
  return number;
}

void append(std::uint64_t number, std::vector<std::uint8_t>& to) {
  for (int shift = 56; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(number >> shift));
}

}  // namespace

RecentParts::RecentParts(std::span<const std::uint8_t> octets) {
  for (; octets.size() >= kOctets; octets = octets.subspan(kOctets)) {
    latest_first_.push_back({.key = PartKey{number_in(octets)},
                             .at = UnixTime{Duration{static_cast<std::int64_t>(number_in(octets.subspan(8)))}}});
  }
}

int RecentParts::others(PartKey key, UnixTime since, int most) const {
  const auto count =
      std::ranges::count_if(latest_first_, [&](const Part& part) { return part.key != key && part.at > since; });
  return static_cast<int>(std::min<std::ptrdiff_t>(count, most));
}

void RecentParts::touch(PartKey key, UnixTime at, int most) {
  const auto known = std::ranges::find(latest_first_, key, &Part::key);
  if (known != latest_first_.end()) {
    at = std::max(at, known->at);
    latest_first_.erase(known);
  }
  const auto after = std::ranges::find_if(latest_first_, [&](const Part& part) { return part.at <= at; });
  latest_first_.insert(after, {.key = key, .at = at});
  // One more than is counted, since the incident's own key isn't counted.
  const auto kept = std::max(kLeast, static_cast<std::size_t>(most) + 1);
  if (latest_first_.size() > kept) latest_first_.resize(kept);
}

std::vector<std::uint8_t> RecentParts::octets() const {
  std::vector<std::uint8_t> octets;
  octets.reserve(kOctets * latest_first_.size());
  for (const auto& part : latest_first_) {
    append(static_cast<std::uint64_t>(part.key), octets);
    append(static_cast<std::uint64_t>(part.at.time_since_epoch().count()), octets);
  }
  return octets;
}

}  // namespace blowback::schema
