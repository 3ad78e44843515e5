#include "wildcard.h"

#include "blowback/wildcard.h"

#include <algorithm>

namespace blowback::answer {

namespace {

/// The networks around one address, by the number of labels that their names have.
class Around {
 public:
  Around(const IpAddress& address, const zone::ListingIndex& index, UnixTime now, CodeSet codes)
      : address_(address), index_(index), now_(now), codes_(codes), step_(bits_of_label(address.family())) {}

  /// Whether there is a wildcard for the network of that many labels, or for a wider one. Requires that a listing covers it.
  [[nodiscard]] bool is_whole(int labels) const {
    const auto own = network(labels);
    return has_wildcard(own) && !index_.is_divided(own, now_, codes_);
  }

  /// The widest network that is whole, of those with `fewest` to `most` labels, which a listing covers. If one is whole, so is each narrower one.
  [[nodiscard]] std::optional<Prefix> widest_whole(int fewest, int most) const {
    // Mostly nothing divides the widest listing. If the narrowest is divided, so are all.
    if (fewest > most) return std::nullopt;
    if (is_whole(fewest)) return network(fewest);
    if (fewest == most || !is_whole(most)) return std::nullopt;
    while (most - fewest > 1) {
      const int middle = (fewest + most) / 2;
      (is_whole(middle) ? most : fewest) = middle;
    }
    return network(most);
  }

  /// The fewest labels of a network within one of that length.
  [[nodiscard]] int labels_within(int length) const { return std::max(1, (length + step_ - 1) / step_); }
  /// The most labels of a network around one of that length that isn't a single address.
  [[nodiscard]] int labels_around(int length) const { return std::min(length, address_.bits() - step_) / step_; }

  [[nodiscard]] Prefix network(int labels) const { return Prefix::covering(address_, step_ * labels); }

 private:
  const IpAddress& address_;
  const zone::ListingIndex& index_;
  UnixTime now_;
  CodeSet codes_;
  int step_;
};

}  // namespace

std::optional<Wildcard> wildcard_around(const Prefix& within, const zone::ListingIndex& index, UnixTime now,
                                        CodeSet codes) {
  const Around around(within.first(), index, now, codes);
  const int most = around.labels_around(within.length());
  if (most < 1) return std::nullopt;
  const auto cover = index.cover_of(around.network(most), now, codes);
  if (cover.codes.empty()) return std::nullopt;
  const auto network = around.widest_whole(around.labels_within(cover.widest), most);
  return network ? std::optional(Wildcard{.network = *network, .codes = cover.codes}) : std::nullopt;
}

Prefix subject_of(const IpAddress& address, const zone::ListingIndex::Cover& cover, const zone::ListingIndex& index,
                  UnixTime now, CodeSet codes) {
  const Around around(address, index, now, codes);
  // Nearly all listed addresses are listed by themselves.
  return around.widest_whole(around.labels_within(cover.widest), around.labels_around(address.bits()))
      .value_or(Prefix::of(address));
}

}  // namespace blowback::answer
