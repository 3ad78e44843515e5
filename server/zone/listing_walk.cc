// The layers of a family, merged by their networks' first addresses; of one address the shortest prefix first.
#include "layers.h"
#include "zone/listing_index.h"

#include <endian.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::zone {
namespace {

[[nodiscard]] IpAddress address_of(Family family, Number128 number) {
  if (family == Family::ipv4) return IpAddress::from_v4(static_cast<std::uint32_t>(number));
  const std::array<std::uint64_t, 2> halves{htobe64(static_cast<std::uint64_t>(number >> 64U)),
                                            htobe64(static_cast<std::uint64_t>(number))};
  IpAddress::Octets octets;
  std::memcpy(octets.data(), halves.data(), sizeof halves);
  return IpAddress::from_octets(octets);
}

using AnyCursor = std::variant<NetworkTable<std::uint32_t>::Cursor, NetworkTable<std::uint64_t>::Cursor,
                               NetworkTable<Number128>::Cursor>;

/// One layer, as far as it wasn't visited.
class LayerWalk {
 public:
  LayerWalk(const Layer& layer, EndSeconds now)
      : layer_(&layer),
        cursor_(std::visit(
            []<typename Number>(const NetworkTable<Number>& table) {
              return AnyCursor(std::in_place_type<typename NetworkTable<Number>::Cursor>, table);
            },
            layer.table())) {
    find(now);
  }

  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] Piece piece() const {
    return {.prefix = Prefix::covering(address_of(layer_->family(), first_), layer_->length()), .codes = codes_};
  }
  void advance(EndSeconds now) {
    std::visit([](auto& cursor) { cursor.advance(); }, cursor_);
    find(now);
  }
  /// Whether this one's turn is after the other's.
  [[nodiscard]] bool is_after(const LayerWalk& other) const {
    if (first_ != other.first_) return first_ > other.first_;
    return layer_->length() > other.layer_->length();
  }

 private:
  /// From the cursor's entry to the first one that is in force.
  void find(EndSeconds now) {
    std::visit(
        [&](auto& cursor) {
          while (cursor.entry() != nullptr && cursor.entry()->ends <= now) cursor.advance();
          const auto* const entry = cursor.entry();
          is_over_ = entry == nullptr;
          if (is_over_) return;
          const auto bits = layer_->host_bits();
          first_ = bits >= 128 ? 0 : Number128{entry->number} << bits;
          codes_ = layer_->role() == Role::exemption ? CodeSet() : entry->codes;
        },
        cursor_);
  }

  const Layer* layer_;
  AnyCursor cursor_;
  Number128 first_ = 0;
  CodeSet codes_;
  bool is_over_ = false;
};

[[nodiscard]] bool comes_later(const std::unique_ptr<LayerWalk>& one, const std::unique_ptr<LayerWalk>& other) {
  return one->is_after(*other);
}

}  // namespace

class ListingIndex::Walk::Impl {
 public:
  Impl(std::shared_ptr<const Layers> layers, EndSeconds now) : layers_(std::move(layers)), now_(now) {
    begin(Family::ipv4);
  }

  [[nodiscard]] std::optional<Piece> next() {
    if (walks_.empty() && family_ == Family::ipv4) begin(Family::ipv6);
    if (walks_.empty()) return std::nullopt;
    if (walks_.size() > 1) std::ranges::pop_heap(walks_, comes_later);
    auto& walk = *walks_.back();
    const auto piece = walk.piece();
    walk.advance(now_);
    if (walk.is_over()) {
      walks_.pop_back();
    } else if (walks_.size() > 1) {
      std::ranges::push_heap(walks_, comes_later);
    }
    return piece;
  }

 private:
  void begin(Family family) {
    family_ = family;
    const auto& own = layers_->of(family);
    for (const auto* const layers : {&own.listings, &own.exemptions}) {
      for (const auto& layer : *layers) {
        auto walk = std::make_unique<LayerWalk>(layer, now_);
        if (!walk->is_over()) walks_.push_back(std::move(walk));
      }
    }
    std::ranges::make_heap(walks_, comes_later);
  }

  std::shared_ptr<const Layers> layers_;
  EndSeconds now_;
  Family family_ = Family::ipv4;
  std::vector<std::unique_ptr<LayerWalk>> walks_;  ///< a heap: the next piece is the first one's
};

ListingIndex::Walk::Walk(const ListingIndex& index, UnixTime now)
    : impl_(std::make_unique<Impl>(index.layers_, now.time_since_epoch().count())) {}
ListingIndex::Walk::Walk(Walk&&) noexcept = default;
ListingIndex::Walk& ListingIndex::Walk::operator=(Walk&&) noexcept = default;
ListingIndex::Walk::~Walk() = default;

std::optional<Piece> ListingIndex::Walk::next() { return impl_->next(); }

}  // namespace blowback::zone
