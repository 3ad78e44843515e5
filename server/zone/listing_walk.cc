// The layers of a family, merged by their networks' first addresses; of one address the shortest prefix first.
#include "layers.h"
#include "zone/listing_index.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::zone {
namespace {

using AnyCursor = std::variant<NetworkTable<std::uint32_t>::Cursor, NetworkTable<std::uint64_t>::Cursor,
                               NetworkTable<Number128>::Cursor>;

/// One layer, as far as it wasn't visited.
class LayerWalk {
 public:
  /// Networks from one number to another, both included. Of listings those with one of `codes`.
  LayerWalk(const Layer& layer, EndSeconds now, CodeSet codes, Number128 from, Number128 to)
      : layer_(&layer),
        wanted_(wanted_of(layer, codes)),
        to_(to),
        cursor_(std::visit(
            [&]<typename Number>(const NetworkTable<Number>& table) {
              return AnyCursor(std::in_place_type<typename NetworkTable<Number>::Cursor>, table,
                               static_cast<Number>(from), wanted_);
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
          const auto* entry = cursor.entry();
          const auto is_wanted = [&] {
            return entry->ends > now && (wanted_.empty() || !(entry->codes & wanted_).empty());
          };
          for (; entry != nullptr && entry->number <= to_ && !is_wanted(); entry = cursor.entry()) cursor.advance();
          is_over_ = entry == nullptr || entry->number > to_;
          if (is_over_) return;
          const auto bits = layer_->host_bits();
          first_ = bits >= 128 ? 0 : Number128{entry->number} << bits;
          codes_ = entry->codes & wanted_;  // an exemption has none
        },
        cursor_);
  }

  const Layer* layer_;
  CodeSet wanted_;
  Number128 to_;
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
  Impl(std::shared_ptr<const Layers> layers, EndSeconds now, CodeSet codes)
      : layers_(std::move(layers)), now_(now), codes_(codes), ipv6_follows_(true) {
    begin(Family::ipv4);
  }
  /// `cover`: of the region, if it isn't empty.
  Impl(std::shared_ptr<const Layers> layers, EndSeconds now, CodeSet codes, const Prefix& region, CodeSet cover)
      : layers_(std::move(layers)), now_(now), codes_(codes) {
    if (!cover.empty()) cover_ = {.prefix = region, .codes = cover};
    begin_within(region);
  }
  /// Nothing.
  Impl() = default;

  [[nodiscard]] std::optional<Piece> next() {
    if (cover_) return std::exchange(cover_, std::nullopt);
    if (walks_.empty() && ipv6_follows_) {
      ipv6_follows_ = false;
      begin(Family::ipv6);
    }
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
    for_each_layer(family, [&](const Layer& layer) { add(layer, 0, ~Number128{0}); });
  }

  void begin_within(const Prefix& region) {
    const auto range = range_of(region);
    for_each_layer(region.family(), [&](const Layer& layer) {
      if (layer.length() <= region.length()) return;
      const auto from = range.first >> layer.host_bits();
      const auto to = range.last >> layer.host_bits();
      // A cursor reads a whole block. Mostly there is nothing to be read.
      if (layer.first_within(from, to, now_, wanted_of(layer, codes_))) add(layer, from, to);
    });
  }

  template <typename Visit>
  void for_each_layer(Family family, Visit visit) {
    const auto& own = layers_->of(family);
    for (const auto* const layers : {&own.listings, &own.exemptions}) {
      for (const auto& layer : *layers) visit(layer);
    }
    std::ranges::make_heap(walks_, comes_later);
  }

  void add(const Layer& layer, Number128 from, Number128 to) {
    auto walk = std::make_unique<LayerWalk>(layer, now_, codes_, from, to);
    if (!walk->is_over()) walks_.push_back(std::move(walk));
  }

  std::shared_ptr<const Layers> layers_;
  EndSeconds now_ = 0;
  CodeSet codes_;
  std::optional<Piece> cover_;  ///< of a region, to be visited first
  bool ipv6_follows_ = false;
  std::vector<std::unique_ptr<LayerWalk>> walks_;  ///< a heap: the next piece is the first one's
};

ListingIndex::Walk::Walk(const ListingIndex& index, UnixTime now, CodeSet codes)
    : impl_(std::make_unique<Impl>(index.layers_, now.time_since_epoch().count(), codes)) {}
ListingIndex::Walk::Walk(const ListingIndex& index, UnixTime now, const Prefix& region, CodeSet codes)
    : impl_(index.is_exempt(region, now) ? std::make_unique<Impl>()
                                         : std::make_unique<Impl>(index.layers_, now.time_since_epoch().count(), codes,
                                                                  region, index.cover_of(region, now, codes).codes)) {}
ListingIndex::Walk::Walk(Walk&&) noexcept = default;
ListingIndex::Walk& ListingIndex::Walk::operator=(Walk&&) noexcept = default;
ListingIndex::Walk::~Walk() = default;

std::optional<Piece> ListingIndex::Walk::next() { return impl_->next(); }

}  // namespace blowback::zone
