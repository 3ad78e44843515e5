// Networks are divided into halves as in a binary trie that is never built: what lies within a network follows it in the source.
#include "blowback/zone_names.h"

#include <algorithm>
#include <cstdint>
#include <ranges>
#include <utility>

namespace blowback {
namespace {

/// The first address of the upper half. Requires a network of more than one address.
[[nodiscard]] IpAddress upper_half(const Prefix& prefix) {
  auto octets = prefix.first().octets();
  const auto bit = 128U - static_cast<std::size_t>(prefix.first().bits()) + static_cast<std::size_t>(prefix.length());
  octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | (0x80U >> (bit % 8)));
  return IpAddress::from_octets(octets);
}

/// To the first address of the next network whose length in the 16 octets is `bits`. False: there is none.
[[nodiscard]] bool step(IpAddress::Octets& octets, int bits) {
  auto at = static_cast<std::size_t>((bits - 1) / 8);
  unsigned by = 1U << static_cast<unsigned>(7 - (bits - 1) % 8);
  for (;; --at, by = 1) {
    const unsigned sum = octets.at(at) + by;
    octets.at(at) = static_cast<std::uint8_t>(sum);
    if (sum <= 255) return true;
    if (at == 0) return false;
  }
}

}  // namespace

bool walked_before(const Prefix& one, const Prefix& other) {
  if (one.family() != other.family()) return one.family() == Family::ipv4;
  return one < other;
}

ZoneNames::ZoneNames(Source source, CodeSet codes) : ZoneNames(std::move(source), test_points(codes), std::nullopt) {}

ZoneNames::ZoneNames(Source source, const Prefix& region) : ZoneNames(std::move(source), {}, std::optional(region)) {}

ZoneNames::ZoneNames(Source source, std::vector<TestPoint> points, const std::optional<Prefix>& region)
    : source_(std::move(source)), points_(std::move(points)) {
  for (const auto& address : std::views::reverse(never_listed())) {
    if (!region || region->contains(address)) never_.push_back({.prefix = Prefix::of(address), .codes = {}});
  }
  from_source_ = source_();
  advance();
}

void ZoneNames::advance() {
  if (!never_.empty() && (!from_source_ || walked_before(never_.back().prefix, from_source_->prefix))) {
    said_ = never_.back();
    never_.pop_back();
    return;
  }
  said_ = from_source_;
  if (from_source_) from_source_ = source_();
}

std::optional<Piece> ZoneNames::next_piece() {
  for (;;) {
    if (pending_.empty() && !said_) return std::nullopt;
    Piece at{.prefix = said_ ? said_->prefix : Prefix(), .codes = {}};
    if (!pending_.empty()) {
      at = pending_.back();
      pending_.pop_back();
    }
    bool is_exempt = false;
    for (; said_ && said_->prefix == at.prefix; advance()) {
      is_exempt = is_exempt || said_->codes.empty();
      at.codes |= said_->codes;
    }
    if (is_exempt) {
      while (said_ && at.prefix.contains(said_->prefix)) advance();
      continue;
    }
    if (!said_ || at.prefix.is_single_address() || !at.prefix.contains(said_->prefix)) return at;
    const auto upper = upper_half(at.prefix);
    const int length = at.prefix.length() + 1;
    // The upper half of ::fffe:0:0/95 is the IPv4-mapped addresses.
    if (upper.family() == at.prefix.family())
      pending_.push_back({.prefix = Prefix::covering(upper, length), .codes = at.codes});
    pending_.push_back({.prefix = Prefix::covering(at.prefix.first(), length), .codes = at.codes});
  }
}

void ZoneNames::visit_parts_of(const Prefix& network, int labels, CodeSet codes) {
  parts_.push_back({.next = network.first().octets(),
                    .last = network.last().octets(),
                    .family = network.family(),
                    .labels = labels,
                    .codes = codes});
}

std::optional<ZoneName> ZoneNames::next() {
  if (names_of_points_ < 2 * points_.size()) {
    const auto& point = points_.at(names_of_points_ / 2);
    return ZoneName{
        .subject = Prefix::of(point.address), .codes = point.code, .is_mapped_form = names_of_points_++ % 2 == 1};
  }
  for (;;) {
    if (parts_.empty()) {
      const auto piece = next_piece();
      if (!piece) return std::nullopt;
      if (piece->prefix.is_single_address()) return ZoneName{.subject = piece->prefix, .codes = piece->codes};
      const int bits = bits_of_label(piece->prefix.family());
      visit_parts_of(piece->prefix, std::max(1, (piece->prefix.length() + bits - 1) / bits), piece->codes);
    }
    auto& parts = parts_.back();
    if (parts.over) {
      parts_.pop_back();
      continue;
    }
    const int length = parts.labels * bits_of_label(parts.family);
    const auto address = IpAddress::from_octets(parts.next);
    parts.over = !step(parts.next, parts.family == Family::ipv4 ? 96 + length : length) || parts.next > parts.last;
    // The IPv4-mapped addresses are no part of an IPv6 network.
    if (address.family() != parts.family) continue;
    const auto part = Prefix::covering(address, length);
    if (part.is_single_address() || has_wildcard(part)) return ZoneName{.subject = part, .codes = parts.codes};
    visit_parts_of(part, parts.labels + 1, parts.codes);  // `parts` isn't valid any more
  }
}

}  // namespace blowback
