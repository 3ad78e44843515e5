// All that is said of networks, sorted into layers: one per family, role and prefix length. Real lists have a handful.
//
// With the length known, a network is its leading bits as a number and a layer is a NetworkTable. What covers an address is
// found by one look into each layer; what lies within a network by one look into each layer of longer prefixes.
#pragma once

#include "blowback/prefix.h"
#include "network_table.h"

#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::zone {

/// Together with the network it is the key: of each network a role says at most one thing.
enum class Role : std::uint8_t { automatic, by_operator, exemption };
inline constexpr std::size_t kRoles = 3;

[[nodiscard]] Number128 number_of(const IpAddress& address);
/// The reverse.
[[nodiscard]] IpAddress address_of(Family family, Number128 number);

/// Addresses from one to another, both included, as numbers of their family.
struct Range {
  Number128 first;
  Number128 last;
};
[[nodiscard]] Range range_of(const Prefix& prefix);
/// The number with its lowest `bits` set, and no other.
[[nodiscard]] constexpr Number128 low_ones(unsigned bits) {
  return bits >= 128 ? ~Number128{0} : (Number128{1} << bits) - 1;
}

/// An entry of whatever layer, its number wide enough for all.
using AnyEntry = NetworkEntry<Number128>;

class Layer {
 public:
  using Table = std::variant<NetworkTable<std::uint32_t>, NetworkTable<std::uint64_t>, NetworkTable<Number128>>;

  Layer(Family family, Role role, int length, Table table)
      : family_(family), role_(role), length_(length), table_(std::move(table)) {}

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] int length() const { return length_; }
  /// Bits of an address that the network's number leaves out.
  [[nodiscard]] unsigned host_bits() const {
    return static_cast<unsigned>((family_ == Family::ipv4 ? 32 : 128) - length_);
  }
  [[nodiscard]] const Table& table() const { return table_; }

  /// What is in force of the network around an address, or the first of all networks from one to another that has one of the codes `wanted`; if that is
  /// empty, whatever it has.
  [[nodiscard]] std::optional<AnyEntry> covering(Number128 address, EndSeconds now) const;
  [[nodiscard]] std::optional<AnyEntry> first_within(Number128 from, Number128 to, EndSeconds now,
                                                     CodeSet wanted = {}) const;

 private:
  Family family_;
  Role role_;
  int length_;
  Table table_;
};

/// What to look for in `layer` on behalf of a zone with `codes`: listings with one of these, and exemptions, which have none.
[[nodiscard]] inline CodeSet wanted_of(const Layer& layer, CodeSet codes) {
  return layer.role() == Role::exemption ? CodeSet() : codes;
}

/// One family's layers, the shortest prefixes first.
struct FamilyLayers {
  std::vector<Layer> listings;
  std::vector<Layer> exemptions;
};

struct Layers {
  std::array<FamilyLayers, 2> by_family;  ///< by Family

  [[nodiscard]] const FamilyLayers& of(Family family) const { return by_family[static_cast<std::size_t>(family)]; }
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& family : by_family) {
      for (const auto& layer : family.listings) visit(layer);
      for (const auto& layer : family.exemptions) visit(layer);
    }
  }
  /// Puts it where it belongs; an empty one is left out.
  void insert(Layer layer);
};

/// One thing said of one network; the last of several for one network and role holds.
struct Said {
  Prefix network;
  Role role = Role::automatic;
  CodeSet codes;
  EndSeconds ends = kNeverEnds;
  bool removed = false;
};

/// `layers` with what is said added, in its order. Costs what is said, not the size of the layers.
[[nodiscard]] Layers with(const Layers& layers, const std::vector<Said>& said);
[[nodiscard]] Layers without_ended(const Layers& layers, EndSeconds now);

/// Takes in any number of networks without holding them twice. Ascending order costs least; what isn't is sorted in at the end.
class LayersBuilder {
 public:
  LayersBuilder();
  ~LayersBuilder();
  LayersBuilder(const LayersBuilder&) = delete;
  LayersBuilder& operator=(const LayersBuilder&) = delete;

  void add(const Said& said);
  [[nodiscard]] Layers finish();

 private:
  class OneLayer;
  /// By family, role and length.
  std::array<std::array<std::array<std::unique_ptr<OneLayer>, 129>, kRoles>, 2> layers_;
  std::vector<Said> out_of_order_;
};

}  // namespace blowback::zone
