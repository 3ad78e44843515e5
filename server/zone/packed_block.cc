// Layout: Head, the buckets' first places, the lower bits, codes where they differ, ends where they differ, and a few octets of
// padding so that the last lower bits can be read as a whole word.
#include "packed_block.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <type_traits>

namespace blowback::zone {
namespace {

/// Entries per bucket that the number of lower bits is chosen for: fewer cost more octets for buckets, more cost a longer search.
constexpr std::size_t kPerBucket = 8;

/// What the lower bits are read with: after shifting out up to seven bits a whole Number must be left. Number128 has no wider
/// word; its lower bits are whole octets.
template <typename Number>
using Word = std::conditional_t<sizeof(Number) == 4, std::uint64_t, Number128>;

template <typename Number>
[[nodiscard]] int bit_width(Number number) {
  if constexpr (sizeof(Number) <= 8) {
    return static_cast<int>(std::bit_width(number));
  } else {
    const auto upper = static_cast<std::uint64_t>(number >> 64U);
    return upper != 0 ? 64 + static_cast<int>(std::bit_width(upper))
                      : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(number)));
  }
}

/// `number` without its lower `bits`; a shift by the whole width gives zero.
template <typename Number>
[[nodiscard]] Number without_low(Number number, unsigned bits) {
  return bits >= 8 * sizeof(Number) ? Number{0} : static_cast<Number>(number >> bits);
}

/// A bucket's number where it stands in a number; a shift by the whole width gives zero, as there is one bucket alone then.
template <typename Number>
[[nodiscard]] Number as_upper(std::size_t bucket, unsigned bits) {
  return bits >= 8 * sizeof(Number) ? Number{0} : static_cast<Number>(static_cast<Number>(bucket) << bits);
}

template <typename Number>
[[nodiscard]] Number only_low(Number number, unsigned bits) {
  return bits >= 8 * sizeof(Number) ? number
                                    : static_cast<Number>(number & static_cast<Number>((Number{1} << bits) - 1));
}

}  // namespace

template <typename Number>
struct PackedBlock<Number>::Head {
  Number first = 0;
  EndSeconds soonest = kNeverEnds;
  std::uint8_t count = 0;
  std::uint8_t low_bits = 0;
  std::uint8_t buckets = 0;
  std::uint8_t end_octets = 0;  ///< per entry; 0: all end at `soonest`
  std::uint8_t codes = 0;       ///< of all entries together; if not mixed, of each
  bool mixed_codes = false;

  [[nodiscard]] std::size_t lows_at() const { return sizeof(Head) + buckets; }
  [[nodiscard]] std::size_t codes_at() const { return lows_at() + (std::size_t{count} * low_bits + 7) / 8; }
  [[nodiscard]] std::size_t ends_at() const { return codes_at() + (mixed_codes ? count : 0U); }
  [[nodiscard]] std::size_t size() const { return ends_at() + std::size_t{count} * end_octets + sizeof(Word<Number>); }
};

template <typename Number>
PackedBlock<Number>::PackedBlock(std::span<const Entry> entries) {
  assert(!entries.empty() && entries.size() <= kMost);
  Head head;
  head.first = entries.front().number;
  head.count = static_cast<std::uint8_t>(entries.size());
  const auto span = static_cast<Number>(entries.back().number - head.first);

  // As few lower bits as give no more buckets than there are octets for.
  const auto most_buckets = static_cast<Number>(std::max<std::size_t>(1, entries.size() / kPerBucket));
  unsigned low_bits = 0;
  const auto too_many = [&](unsigned bits) { return without_low(span, bits) >= most_buckets; };
  if (too_many(0)) {
    low_bits = static_cast<unsigned>(std::max(0, bit_width(span) - bit_width(most_buckets)));
    while (too_many(low_bits)) ++low_bits;
  }
  if constexpr (sizeof(Number) == sizeof(Number128)) low_bits = (low_bits + 7) / 8 * 8;
  head.low_bits = static_cast<std::uint8_t>(low_bits);
  head.buckets = static_cast<std::uint8_t>(without_low(span, low_bits) + 1);

  EndSeconds latest = std::numeric_limits<EndSeconds>::min();
  bool all_end_alike = true;
  for (const auto& entry : entries) {
    head.soonest = std::min(head.soonest, entry.ends);
    if (entry.ends != kNeverEnds) latest = std::max(latest, entry.ends);
    all_end_alike = all_end_alike && entry.ends == entries.front().ends;
    head.mixed_codes = head.mixed_codes || entry.codes != entries.front().codes;
    head.codes |= entry.codes.bits();
  }
  if (!all_end_alike) {
    // 0 stands for never, n for the n-th second from `soonest` on.
    const auto most = static_cast<std::uint64_t>(latest) - static_cast<std::uint64_t>(head.soonest) + 1;
    head.end_octets = static_cast<std::uint8_t>((std::bit_width(most) + 7) / 8);
  }

  auto octets = std::make_shared<std::uint8_t[]>(head.size());  // NOLINT(modernize-avoid-c-arrays)
  std::uint8_t* const out = octets.get();
  std::memcpy(out, &head, sizeof head);
  std::size_t bucket = 0;  // the next whose first place isn't written
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const auto& entry = entries[place];
    assert(place == 0 || entries[place - 1].number < entry.number);
    const auto distance = static_cast<Number>(entry.number - head.first);
    const auto own_bucket = static_cast<std::size_t>(without_low(distance, low_bits));
    while (bucket <= own_bucket) out[sizeof(Head) + bucket++] = static_cast<std::uint8_t>(place);

    const auto low = static_cast<Word<Number>>(only_low(distance, low_bits));
    const std::size_t bit = place * low_bits;
    std::uint8_t* const at = out + head.lows_at() + bit / 8;
    Word<Number> word = 0;
    std::memcpy(&word, at, sizeof word);
    word |= low << (bit % 8);
    std::memcpy(at, &word, sizeof word);
  }
  // Only now, since writing the lower bits as words ran over these.
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const auto& entry = entries[place];
    if (head.mixed_codes) out[head.codes_at() + place] = entry.codes.bits();
    if (head.end_octets == 0) continue;
    const std::uint64_t ends = entry.ends == kNeverEnds ? 0
                                                        : static_cast<std::uint64_t>(entry.ends) -
                                                              static_cast<std::uint64_t>(head.soonest) + 1;
    for (std::size_t i = 0; i < head.end_octets; ++i) {
      out[head.ends_at() + place * head.end_octets + i] = static_cast<std::uint8_t>((ends >> (8 * i)) & 0xffU);
    }
  }
  octets_ = std::move(octets);
}

template <typename Number>
typename PackedBlock<Number>::Head PackedBlock<Number>::head() const {
  Head head;
  std::memcpy(&head, octets_.get(), sizeof head);
  return head;
}

template <typename Number>
Number PackedBlock<Number>::low_bits(const Head& head, std::size_t place) const {
  const std::size_t bit = place * head.low_bits;
  Word<Number> word = 0;
  std::memcpy(&word, octets_.get() + head.lows_at() + bit / 8, sizeof word);
  return only_low(static_cast<Number>(word >> (bit % 8)), head.low_bits);
}

template <typename Number>
typename PackedBlock<Number>::Place PackedBlock<Number>::place_of(const Head& head, Number number) const {
  if (number <= head.first) return {.at = 0, .found = number == head.first};
  const auto distance = static_cast<Number>(number - head.first);
  const auto bucket_number = without_low(distance, head.low_bits);
  if (bucket_number >= head.buckets) return {.at = head.count, .found = false};
  const auto bucket = static_cast<std::size_t>(bucket_number);
  const auto* const first_of = octets_.get() + sizeof(Head);
  std::size_t begin = first_of[bucket];
  const std::size_t end = bucket + 1 < head.buckets ? first_of[bucket + 1] : head.count;
  const auto low = only_low(distance, head.low_bits);
  // The first in the bucket that isn't below, without branches on what is found; in a bucket the lower bits say it all.
  for (std::size_t size = end - begin; size > 0;) {
    const auto half = size / 2;
    const bool below = low_bits(head, begin + half) < low;
    begin = below ? begin + half + 1 : begin;
    size = below ? size - half - 1 : half;
  }
  return {.at = begin, .found = begin < end && low_bits(head, begin) == low};
}

template <typename Number>
Number PackedBlock<Number>::number_at(const Head& head, std::size_t place) const {
  // The last bucket that begins at or before the place, empty ones passed over.
  const auto* const first_of = octets_.get() + sizeof(Head);
  const auto bucket =
      static_cast<std::size_t>(std::upper_bound(first_of, first_of + head.buckets, place) - first_of - 1);
  const auto upper = as_upper<Number>(bucket, head.low_bits);
  return static_cast<Number>(head.first + upper + low_bits(head, place));
}

template <typename Number>
typename PackedBlock<Number>::Entry PackedBlock<Number>::entry(const Head& head, std::size_t place,
                                                               Number number) const {
  Entry entry{.number = number, .ends = head.soonest, .codes = CodeSet::from_bits(head.codes)};
  if (head.mixed_codes) entry.codes = CodeSet::from_bits(octets_.get()[head.codes_at() + place]);
  if (head.end_octets != 0) {
    std::uint64_t ends = 0;
    const auto* const at = octets_.get() + head.ends_at() + place * head.end_octets;
    for (std::size_t i = 0; i < head.end_octets; ++i) ends |= std::uint64_t{at[i]} << (8 * i);
    entry.ends = ends == 0 ? kNeverEnds : static_cast<EndSeconds>(static_cast<std::uint64_t>(head.soonest) + ends - 1);
  }
  return entry;
}

template <typename Number>
std::size_t PackedBlock<Number>::size() const {
  return head().count;
}
template <typename Number>
Number PackedBlock<Number>::first() const {
  return head().first;
}
template <typename Number>
EndSeconds PackedBlock<Number>::soonest_end() const {
  return head().soonest;
}
template <typename Number>
CodeSet PackedBlock<Number>::codes() const {
  return CodeSet::from_bits(head().codes);
}
template <typename Number>
void PackedBlock<Number>::prefetch() const {
  constexpr std::size_t kCacheLine = 64;
  __builtin_prefetch(octets_.get());
  __builtin_prefetch(octets_.get() + kCacheLine);
}

template <typename Number>
void PackedBlock<Number>::prefetch(Number number) const {
  const Head head = this->head();
  if (number <= head.first) return;
  const auto bucket = without_low(static_cast<Number>(number - head.first), head.low_bits);
  if (bucket >= head.buckets) return;
  const std::size_t place = octets_.get()[sizeof(Head) + static_cast<std::size_t>(bucket)];
  __builtin_prefetch(octets_.get() + head.lows_at() + place * head.low_bits / 8);
}

template <typename Number>
std::size_t PackedBlock<Number>::octets() const {
  return head().size();
}

template <typename Number>
std::size_t PackedBlock<Number>::at_least(Number number) const {
  return place_of(head(), number).at;
}

template <typename Number>
std::optional<typename PackedBlock<Number>::Entry> PackedBlock<Number>::find(Number number) const {
  const Head head = this->head();
  const auto place = place_of(head, number);
  if (!place.found) return std::nullopt;
  return entry(head, place.at, number);
}

template <typename Number>
std::size_t PackedBlock<Number>::next_with(CodeSet wanted, std::size_t place) const {
  const Head head = this->head();
  if (wanted.empty()) return place;
  if ((head.codes & wanted.bits()) == 0) return head.count;
  if (!head.mixed_codes) return place;
  const auto* const codes = octets_.get() + head.codes_at();
  while (place < head.count && (codes[place] & wanted.bits()) == 0) ++place;
  return place;
}

template <typename Number>
typename PackedBlock<Number>::Entry PackedBlock<Number>::entry(std::size_t place) const {
  const Head head = this->head();
  assert(place < head.count);
  return entry(head, place, number_at(head, place));
}

template <typename Number>
void PackedBlock<Number>::append_to(std::vector<Entry>& entries) const {
  const Head head = this->head();
  const auto* const first_of = octets_.get() + sizeof(Head);
  std::size_t place = 0;
  for (std::size_t bucket = 0; bucket < head.buckets; ++bucket) {
    const std::size_t end = bucket + 1 < head.buckets ? first_of[bucket + 1] : head.count;
    const auto upper = as_upper<Number>(bucket, head.low_bits);
    for (; place < end; ++place) {
      entries.push_back(entry(head, place, static_cast<Number>(head.first + upper + low_bits(head, place))));
    }
  }
}

template class PackedBlock<std::uint32_t>;
template class PackedBlock<std::uint64_t>;
template class PackedBlock<Number128>;

}  // namespace blowback::zone
