// The two questions, asked of the layers.
//
// Exemptions are holes that may be narrower or wider than a listing, and several narrow ones may add up to a wide one. So
// "is all of this network exempt" is a walk: find the widest exemption around the network's first address, go on behind
// its end, until there is none (not all) or the network's end is passed (all). Mostly it takes one step.
#include "zone/listing_index.h"

#include "blowback/reach.h"
#include "blowback/wildcard.h"
#include "layers.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace blowback::zone {
namespace {

[[nodiscard]] EndSeconds seconds(UnixTime time) { return time.time_since_epoch().count(); }

[[nodiscard]] EndSeconds end_of(const std::optional<UnixTime>& expires_at) {
  return expires_at ? seconds(*expires_at) : kNeverEnds;
}

[[nodiscard]] Role role_of(Source source) { return source == Source::automatic ? Role::automatic : Role::by_operator; }

[[nodiscard]] Said said_by(const ListingChange& change) {
  Said said{.network = change.prefix,
            .role = role_of(change.source),
            .codes = change.codes,
            .ends = end_of(change.expires_at),
            .removed = false};
  switch (change.action) {
    case ListingChange::Action::listed:
    case ListingChange::Action::prolonged:
      break;
    case ListingChange::Action::delisted:
    case ListingChange::Action::expired:
      said.removed = true;
      break;
    case ListingChange::Action::exempted:
      said.role = Role::exemption;
      said.codes = {};
      break;
    case ListingChange::Action::exemption_ended:
      said.role = Role::exemption;
      said.removed = true;
      break;
  }
  return said;
}

[[nodiscard]] Number128 last_address(const Layer& layer, Number128 network) {
  const auto bits = layer.host_bits();
  return bits >= 128 ? low_ones(bits) : (network << bits) | low_ones(bits);
}

/// The layers of one family at one time, as far as they concern some codes.
class Now {
 public:
  Now(const FamilyLayers& layers, Family family, EndSeconds now, CodeSet codes)
      : layers_(layers), family_(family), now_(now), codes_(codes) {}

  /// The end of the widest exemption around `address` that is no longer than `longest`.
  [[nodiscard]] std::optional<Number128> exempt_to(Number128 address, int longest) const {
    // IPv4 addresses in their mapped form are none of an IPv6 network's own.
    constexpr Number128 kMapped = Number128{0xffffU} << 32U;
    if (family_ == Family::ipv6 && (address >> 32U) == 0xffffU) return kMapped | 0xffffffffU;
    for (const auto& layer : layers_.exemptions) {
      if (layer.length() > longest) break;
      if (const auto entry = layer.covering(address, now_)) return last_address(layer, entry->number);
    }
    return std::nullopt;
  }

  [[nodiscard]] ListingIndex::Cover listed_around(Number128 address, int longest) const {
    ListingIndex::Cover cover;
    for (const auto& layer : layers_.listings) {
      if (layer.length() > longest) break;
      if (const auto entry = layer.covering(address, now_)) {
        if (cover.codes.empty()) cover.widest = layer.length();
        cover.codes |= entry->codes & codes_;
      }
    }
    return cover;
  }

  /// Whether a listing or an exemption lies within the range; `length` is the range's own.
  [[nodiscard]] bool anything_inside(Range range, int length) const {
    const auto lies_inside = [&](const Layer& layer) {
      const auto bits = layer.host_bits();
      return layer.length() > length &&
             layer.first_within(range.first >> bits, range.last >> bits, now_, wanted_of(layer, codes_));
    };
    return std::ranges::any_of(layers_.exemptions, lies_inside) || std::ranges::any_of(layers_.listings, lies_inside);
  }

  /// Whether exemptions in force, alone or together, cover the whole range.
  [[nodiscard]] bool wholly_exempt(Range range) const {
    if (layers_.exemptions.empty() && family_ == Family::ipv4) return false;
    for (auto at = range.first;;) {
      const auto end = exempt_to(at, kLongest);
      if (!end) return false;
      if (*end >= range.last) return true;
      at = *end + 1;
    }
  }

  /// Whether a listing that lies within the range isn't wholly exempt; `length` is the range's own.
  [[nodiscard]] bool anything_listed_inside(Range range, int length) const {
    for (const auto& layer : layers_.listings) {
      if (layer.length() <= length) continue;
      const auto bits = layer.host_bits();
      const auto to = range.last >> bits;
      for (auto from = range.first >> bits; from <= to;) {
        const auto entry = layer.first_within(from, to, now_, codes_);
        if (!entry) break;
        const Range own{.first = entry->number << bits, .last = last_address(layer, entry->number)};
        if (!wholly_exempt(own)) return true;
        // An exemption around it may cover many of its neighbours.
        const auto exempt = exempt_to(own.first, kLongest).value_or(own.last) >> bits;
        from = std::max(entry->number, exempt) + 1;
      }
    }
    return false;
  }

 private:
  static constexpr int kLongest = 128;
  const FamilyLayers& layers_;
  Family family_;
  EndSeconds now_;
  CodeSet codes_;
};

}  // namespace

ListingIndex::ListingIndex() : layers_(std::make_shared<const Layers>()) {}

ListingIndex ListingIndex::of(Serial serial, std::span<const Listing> listings, std::span<const Exemption> exemptions,
                              UnixTime now) {
  Builder builder(now);
  for (const auto& listing : listings) builder.add(listing);
  for (const auto& exemption : exemptions) builder.add(exemption);
  return builder.finish(serial);
}

ListingIndex ListingIndex::with(std::span<const ListingChange> changes) const {
  if (changes.empty()) return *this;
  assert(changes.front().serial == serial_ + 1);
  return changed(changes, changes.back().serial);
}

ListingIndex ListingIndex::back_to(Serial serial, std::span<const ListingChange> changes) const {
  return changed(changes, serial);
}

ListingIndex ListingIndex::changed(std::span<const ListingChange> changes, Serial serial) const {
  std::vector<Said> said;
  said.reserve(changes.size());
  for (const auto& change : changes) said.push_back(said_by(change));
  ListingIndex index;
  index.serial_ = serial;
  index.layers_ = said.empty() ? layers_ : std::make_shared<const Layers>(zone::with(*layers_, said));
  return index;
}

ListingIndex ListingIndex::without_ended(UnixTime now) const {
  bool any = false;
  layers_->for_each([&](const Layer& layer) {
    any = any || std::visit([&](const auto& table) { return table.soonest_end() <= seconds(now); }, layer.table());
  });
  if (!any) return *this;
  ListingIndex index;
  index.serial_ = serial_;
  index.layers_ = std::make_shared<const Layers>(zone::without_ended(*layers_, seconds(now)));
  return index;
}

ListingIndex::Cover ListingIndex::cover_of(const IpAddress& address, UnixTime now, CodeSet codes) const {
  const auto family = address.family();
  const Now layers(layers_->of(family), family, seconds(now), codes);
  const auto number = number_of(address);
  const auto cover = layers.listed_around(number, address.bits());
  if (cover.codes.empty() || layers.exempt_to(number, address.bits())) return {};
  return cover;
}

ListingIndex::Cover ListingIndex::cover_of(const Prefix& network, UnixTime now, CodeSet codes) const {
  const auto family = network.family();
  const Now layers(layers_->of(family), family, seconds(now), codes);
  const auto number = number_of(network.first());
  const auto cover = layers.listed_around(number, network.length());
  if (cover.codes.empty() || layers.exempt_to(number, network.length())) return {};
  return cover;
}

bool ListingIndex::is_exempt(const Prefix& network, UnixTime now) const {
  const auto family = network.family();
  return Now(layers_->of(family), family, seconds(now), {})
      .exempt_to(number_of(network.first()), network.length())
      .has_value();
}

bool ListingIndex::is_divided(const Prefix& network, UnixTime now, CodeSet codes) const {
  const auto family = network.family();
  if (family == Family::ipv6 && contains_mapped(network)) return true;
  return Now(layers_->of(family), family, seconds(now), codes).anything_inside(range_of(network), network.length());
}

void ListingIndex::prefetch(std::span<const std::uint32_t> addresses) const {
  // Layers of shorter prefixes have few entries, which stay in the cache by themselves.
  for (const auto& layer : layers_->of(Family::ipv4).listings) {
    if (layer.host_bits() == 0) std::get<NetworkTable<std::uint32_t>>(layer.table()).prefetch(addresses);
  }
}

bool ListingIndex::anything_within(const Prefix& prefix, UnixTime now, CodeSet codes) const {
  const Now layers(layers_->of(prefix.family()), prefix.family(), seconds(now), codes);
  const auto range = range_of(prefix);
  if (const auto end = layers.exempt_to(range.first, prefix.length()); end && *end >= range.last) return false;
  // A listing around it lists all of it, but for narrower exemptions.
  if (!layers.listed_around(range.first, prefix.length()).codes.empty()) return !layers.wholly_exempt(range);
  return layers.anything_listed_inside(range, prefix.length());
}

ListingIndex::Ended ListingIndex::ended(UnixTime after, UnixTime until) const {
  Ended ended;
  EndSeconds next = kNeverEnds;
  layers_->for_each([&](const Layer& layer) {
    std::visit(
        [&](const auto& table) {
          next = std::min(next, table.visit_ended(seconds(after), seconds(until), [&](const auto& entry) {
            const auto first = static_cast<Number128>(entry.number) << layer.host_bits();
            ended.prefixes.push_back(Prefix::covering(address_of(layer.family(), first), layer.length()));
          }));
        },
        layer.table());
  });
  if (next != kNeverEnds) ended.next = UnixTime(Duration(next));
  return ended;
}

std::size_t ListingIndex::size() const {
  std::size_t size = 0;
  layers_->for_each(
      [&](const Layer& layer) { size += std::visit([](const auto& table) { return table.size(); }, layer.table()); });
  return size;
}

Tally ListingIndex::tally() const {
  Tally tally;
  layers_->for_each([&](const Layer& layer) {
    const auto family = static_cast<std::size_t>(layer.family());
    if (layer.role() == Role::exemption) {
      tally.exemptions.at(family) += std::visit([](const auto& table) { return table.size(); }, layer.table());
      return;
    }
    const auto entries = std::visit([](const auto& table) { return table.size(); }, layer.table());
    if (layer.length() < shortest_narrow(layer.family())) tally.wide_listings.at(family) += entries;
    tally.addresses.at(family) += std::ldexp(static_cast<double>(entries), static_cast<int>(layer.host_bits()));
    // Few sets of codes are in use, whatever the list's size: they are counted as sets first.
    std::array<std::uint64_t, 256> by_bits{};
    std::visit([&](const auto& table) { table.for_each([&](const auto& entry) { ++by_bits.at(entry.codes.bits()); }); },
               layer.table());
    for (std::size_t bits = 0; bits < by_bits.size(); ++bits) {
      const auto codes = CodeSet::from_bits(static_cast<std::uint32_t>(bits));
      for (const auto code : kAllCodes) {
        if (codes.has(code)) tally.listings.at(family).at(static_cast<std::size_t>(code)) += by_bits.at(bits);
      }
    }
  });
  return tally;
}

std::size_t ListingIndex::octets() const {
  std::size_t octets = sizeof *this + sizeof(Layers);
  layers_->for_each([&](const Layer& layer) {
    octets += std::visit([](const auto& table) { return table.octets(); }, layer.table());
  });
  return octets;
}

class ListingIndex::Builder::Impl {
 public:
  LayersBuilder layers;
};

ListingIndex::Builder::Builder(UnixTime now) : now_(now), impl_(std::make_unique<Impl>()) {}
ListingIndex::Builder::~Builder() = default;

void ListingIndex::Builder::add(const Listing& listing) {
  if (!listing.in_force(now_)) return;
  impl_->layers.add({.network = listing.prefix,
                     .role = role_of(listing.source),
                     .codes = listing.codes,
                     .ends = end_of(listing.expires_at),
                     .removed = false});
}

void ListingIndex::Builder::add(const Exemption& exemption) {
  if (!exemption.in_force(now_)) return;
  impl_->layers.add({.network = exemption.prefix,
                     .role = Role::exemption,
                     .codes = {},
                     .ends = end_of(exemption.expires_at),
                     .removed = false});
}

ListingIndex ListingIndex::Builder::finish(Serial serial) {
  ListingIndex index;
  index.serial_ = serial;
  index.layers_ = std::make_shared<const Layers>(impl_->layers.finish());
  return index;
}

}  // namespace blowback::zone
