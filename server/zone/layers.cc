// Which layer a network belongs to, and which number it has there.
#include "layers.h"

#include <endian.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>

namespace blowback::zone {
namespace {

[[nodiscard]] Layer::Table empty_table(Family family, int length) {
  if (family == Family::ipv4) return NetworkTable<std::uint32_t>();
  if (length <= 64) return NetworkTable<std::uint64_t>();
  return NetworkTable<Number128>();
}

[[nodiscard]] Number128 shifted(Number128 number, unsigned bits) { return bits >= 128 ? 0 : number >> bits; }

[[nodiscard]] Number128 network_number(const Prefix& network) {
  const auto host_bits = static_cast<unsigned>(network.first().bits() - network.length());
  return shifted(number_of(network.first()), host_bits);
}

template <typename Table>
struct NumberOf;
template <typename Number>
struct NumberOf<NetworkTable<Number>> {
  using type = Number;
};

[[nodiscard]] std::size_t size_of(const Layer::Table& table) {
  return std::visit([](const auto& own) { return own.size(); }, table);
}

template <typename Number>
[[nodiscard]] std::optional<AnyEntry> widened(const std::optional<NetworkEntry<Number>>& entry) {
  if (!entry) return std::nullopt;
  return AnyEntry{.number = entry->number, .ends = entry->ends, .codes = entry->codes};
}

[[nodiscard]] std::tuple<Family, Role, int> layer_of(const Said& said) {
  return {said.network.family(), said.role, said.network.length()};
}

/// `table` with all of `said`, which belong to it, made in their order.
[[nodiscard]] Layer::Table changed(const Layer::Table& table, std::span<const Said* const> said) {
  return std::visit(
      [&](const auto& own) -> Layer::Table {
        using Own = std::remove_cvref_t<decltype(own)>;
        using Number = typename NumberOf<Own>::type;
        std::vector<typename Own::Change> changes;
        changes.reserve(said.size());
        for (const Said* each : said) {
          const auto number = static_cast<Number>(network_number(each->network));
          const typename Own::Change change{.entry = {.number = number, .ends = each->ends, .codes = each->codes},
                                            .removed = each->removed};
          // Of a run with one number the last holds.
          if (!changes.empty() && changes.back().entry.number == number) {
            changes.back() = change;
          } else {
            changes.push_back(change);
          }
        }
        return own.with(changes);
      },
      table);
}

[[nodiscard]] const std::vector<Layer>& layers_for(const Layers& layers, Family family, Role role) {
  return role == Role::exemption ? layers.of(family).exemptions : layers.of(family).listings;
}

}  // namespace

IpAddress address_of(Family family, Number128 number) {
  if (family == Family::ipv4) return IpAddress::from_v4(static_cast<std::uint32_t>(number));
  const std::array<std::uint64_t, 2> halves{htobe64(static_cast<std::uint64_t>(number >> 64U)),
                                            htobe64(static_cast<std::uint64_t>(number))};
  IpAddress::Octets octets;
  std::memcpy(octets.data(), halves.data(), sizeof halves);
  return IpAddress::from_octets(octets);
}

Number128 number_of(const IpAddress& address) {
  if (address.family() == Family::ipv4) return address.v4();
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), address.octets().data(), sizeof halves);
  return Number128{be64toh(halves[0])} << 64U | be64toh(halves[1]);
}

Range range_of(const Prefix& prefix) {
  // Not of `prefix.last()`: the last address of ::fffe:0:0/95 has the form of an IPv4 address.
  const auto first = number_of(prefix.first());
  return {.first = first, .last = first | low_ones(static_cast<unsigned>(prefix.first().bits() - prefix.length()))};
}

std::optional<AnyEntry> Layer::covering(Number128 address, EndSeconds now) const {
  const auto number = shifted(address, host_bits());
  // By far the most are IPv4.
  if (const auto* const v4 = std::get_if<0>(&table_)) return widened(v4->find(static_cast<std::uint32_t>(number), now));
  if (const auto* const v6 = std::get_if<1>(&table_)) return widened(v6->find(static_cast<std::uint64_t>(number), now));
  return std::get<2>(table_).find(number, now);
}

std::optional<AnyEntry> Layer::first_within(Number128 from, Number128 to, EndSeconds now, CodeSet wanted) const {
  return std::visit(
      [&](const auto& own) {
        using Number = typename NumberOf<std::remove_cvref_t<decltype(own)>>::type;
        return widened(own.first_within(static_cast<Number>(from), static_cast<Number>(to), now, wanted));
      },
      table_);
}

void Layers::insert(Layer layer) {
  if (size_of(layer.table()) == 0) return;
  auto& family = by_family[static_cast<std::size_t>(layer.family())];
  auto& layers = layer.role() == Role::exemption ? family.exemptions : family.listings;
  const auto place = std::ranges::upper_bound(layers, layer.length(), {}, &Layer::length);
  layers.insert(place, std::move(layer));
}

Layers with(const Layers& layers, const std::vector<Said>& said) {
  std::vector<const Said*> sorted;
  sorted.reserve(said.size());
  for (const auto& each : said) sorted.push_back(&each);
  std::ranges::stable_sort(sorted, [](const Said* a, const Said* b) {
    const auto layer_a = layer_of(*a);
    const auto layer_b = layer_of(*b);
    return layer_a != layer_b ? layer_a < layer_b : a->network < b->network;
  });

  Layers result;
  const auto untouched = [&](const Layer& layer) {
    const std::tuple key{layer.family(), layer.role(), layer.length()};
    const auto found = std::ranges::lower_bound(sorted, key, {}, [](const Said* each) { return layer_of(*each); });
    return found == sorted.end() || layer_of(**found) != key;
  };
  layers.for_each([&](const Layer& layer) {
    if (untouched(layer)) result.insert(layer);
  });
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const auto [family, role, length] = layer_of(**begin);
    const auto end =
        std::find_if(begin, sorted.end(), [&](const Said* each) { return layer_of(*each) != layer_of(**begin); });
    const auto& old = layers_for(layers, family, role);
    const auto layer =
        std::ranges::find_if(old, [&](const Layer& each) { return each.role() == role && each.length() == length; });
    result.insert(Layer(family, role, length,
                        changed(layer == old.end() ? empty_table(family, length) : layer->table(), {begin, end})));
    begin = end;
  }
  return result;
}

Layers without_ended(const Layers& layers, EndSeconds now) {
  Layers result;
  layers.for_each([&](const Layer& layer) {
    auto table = std::visit([&](const auto& own) -> Layer::Table { return own.without_ended(now); }, layer.table());
    result.insert(Layer(layer.family(), layer.role(), layer.length(), std::move(table)));
  });
  return result;
}

class LayersBuilder::OneLayer {
 public:
  OneLayer(Family family, int length) {
    if (family == Family::ipv4) {
      builder_.emplace<NetworkTable<std::uint32_t>::Builder>();
    } else if (length <= 64) {
      builder_.emplace<NetworkTable<std::uint64_t>::Builder>();
    } else {
      builder_.emplace<NetworkTable<Number128>::Builder>();
    }
  }

  /// False: it isn't above the last one.
  [[nodiscard]] bool add(const Said& said) {
    return std::visit(
        [&](auto& builder) {
          auto last = builder.last();
          const auto number = static_cast<typename decltype(last)::value_type>(network_number(said.network));
          if (last && *last >= number) return false;
          builder.add({.number = number, .ends = said.ends, .codes = said.codes});
          return true;
        },
        builder_);
  }

  [[nodiscard]] Layer::Table finish() {
    return std::visit([](auto& builder) -> Layer::Table { return builder.finish(); }, builder_);
  }

 private:
  std::variant<NetworkTable<std::uint32_t>::Builder, NetworkTable<std::uint64_t>::Builder,
               NetworkTable<Number128>::Builder>
      builder_;
};

LayersBuilder::LayersBuilder() = default;
LayersBuilder::~LayersBuilder() = default;

void LayersBuilder::add(const Said& said) {
  const auto [family, role, length] = layer_of(said);
  auto& layer =
      layers_[static_cast<std::size_t>(family)][static_cast<std::size_t>(role)][static_cast<std::size_t>(length)];
  if (!layer) layer = std::make_unique<OneLayer>(family, length);
  if (said.removed || !layer->add(said)) out_of_order_.push_back(said);
}

Layers LayersBuilder::finish() {
  Layers layers;
  for (const auto family : {Family::ipv4, Family::ipv6}) {
    for (std::size_t role = 0; role < kRoles; ++role) {
      for (int length = 0; length <= 128; ++length) {
        const auto& layer = layers_[static_cast<std::size_t>(family)][role][static_cast<std::size_t>(length)];
        if (layer) layers.insert(Layer(family, static_cast<Role>(role), length, layer->finish()));
      }
    }
  }
  return out_of_order_.empty() ? layers : with(layers, out_of_order_);
}

}  // namespace blowback::zone
