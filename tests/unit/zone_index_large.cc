// The index where it has many blocks and pages, against sorted maps: built at once, patched a little, patched much, emptied.
#include "catch.h"
#include "sanitized.h"
#include "zone_fixture.h"

#include <map>
#include <random>

using namespace blowback;
using namespace blowback::test;
using zone::ListingIndex;

namespace {

/// Networks of one length whose numbers lie together or far apart, as a list's do.
struct Networks {
  const char* what;
  IpAddress base;
  int length;
  int spread;  ///< bits of the network number that vary
};

class Draw {
 public:
  Draw(const Networks& networks, unsigned seed) : networks_(networks), random_(seed) {}

  std::uint64_t pick(std::uint64_t to) { return std::uniform_int_distribution<std::uint64_t>(0, to)(random_); }

  /// A third of them close to the last one.
  Prefix network() {
    std::uint64_t number = random_() & ((std::uint64_t{1} << networks_.spread) - 1);
    if (pick(2) == 0) number = (last_ + pick(40)) & ((std::uint64_t{1} << networks_.spread) - 1);
    last_ = number;
    auto octets = networks_.base.octets();
    const int host_bits = networks_.base.bits() - networks_.length;
    for (int bit = 0; bit < networks_.spread; ++bit) {
      const auto at = static_cast<std::size_t>(127 - host_bits - bit);
      if ((number >> bit & 1U) != 0) octets[at / 8] = static_cast<std::uint8_t>(octets[at / 8] | (0x80U >> (at % 8)));
    }
    return Prefix::covering(IpAddress::from_octets(octets), networks_.length);
  }

  ListingChange change(Serial serial, bool removes) {
    ListingChange change;
    change.serial = serial;
    change.prefix = network();
    change.action = removes ? ListingChange::Action::delisted : ListingChange::Action::listed;
    change.codes = CodeSet::from_bits(pick(3) == 0 ? static_cast<std::uint32_t>(1 + pick(126)) : 1U);
    if (pick(2) == 0) change.expires_at = kNow + std::chrono::seconds{pick(3) == 0 ? pick(10'000'000) : 7};
    return change;
  }

 private:
  Networks networks_;
  std::mt19937_64 random_;
  std::uint64_t last_ = 0;
};

using Model = std::map<Prefix, ListingChange>;

void make(Model& model, const ListingChange& change) {
  if (change.action == ListingChange::Action::delisted) {
    model.erase(change.prefix);
  } else {
    model[change.prefix] = change;
  }
}

bool in_force(const ListingChange& change, UnixTime now) { return !change.expires_at || now < *change.expires_at; }

void check_same(const ListingIndex& index, const Model& model, Draw& source, UnixTime now) {
  std::size_t wrong = 0;
  const auto look = [&](const Prefix& network) {
    const auto found = model.find(network);
    const auto codes = found != model.end() && in_force(found->second, now) ? found->second.codes : CodeSet();
    if (index.codes_at(network.first(), now) != codes || index.codes_at(network.last(), now) != codes) ++wrong;
    // A network around it, of any length.
    const auto wider =
        Prefix::covering(network.first(), static_cast<int>(source.pick(static_cast<std::uint64_t>(network.length()))));
    bool any = false;
    for (auto at = model.lower_bound(wider); at != model.end() && wider.contains(at->first) && !any; ++at) {
      any = in_force(at->second, now);
    }
    if (index.anything_within(wider, now) != any) ++wrong;
  };
  for (const auto& [network, change] : model) {
    if (source.pick(3) == 0) look(network);
  }
  for (int i = 0; i < 5'000; ++i) look(source.network());
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("an index of many blocks agrees with a sorted map, however it was built and changed", "[zone]") {
  const auto networks =
      GENERATE(Networks{"IPv4 addresses far apart", ip("0.0.0.0"), 32, 32},
               Networks{"IPv4 addresses close together", ip("198.0.0.0"), 32, 17},
               Networks{"IPv4 networks", ip("0.0.0.0"), 24, 24}, Networks{"IPv6 /64 far apart", ip("2000::"), 64, 61},
               Networks{"IPv6 /64 close together", ip("2001:db8::"), 64, 20},
               Networks{"IPv6 addresses far apart", ip("2001:db8::"), 128, 63},
               Networks{"IPv6 addresses close together", ip("2001:db8::"), 128, 18});
  const auto seed = GENERATE(range(1U, kIsSanitized ? 2U : 3U));
  CAPTURE(networks.what, seed);
  Draw source(networks, seed);
  Model model;
  std::vector<Listing> listings;
  for (int i = 0; i < 60'000; ++i) make(model, source.change(0, false));
  ListingIndex::Builder builder(kNow);
  for (const auto& [network, change] : model) {
    Listing listing;
    listing.prefix = network;
    listing.codes = change.codes;
    listing.expires_at = change.expires_at;
    builder.add(listing);
  }
  auto index = builder.finish(0);
  CHECK(index.size() == model.size());
  check_same(index, model, source, kNow);

  Serial serial = 0;
  const auto patch = [&](int changes, int removals_in_ten) {
    std::vector<ListingChange> batch;
    for (int i = 0; i < changes; ++i) {
      auto change = source.change(++serial, static_cast<int>(source.pick(9)) < removals_in_ten);
      // Removals of what is there, or they would hit next to nothing.
      if (change.action == ListingChange::Action::delisted && !model.empty()) {
        const auto found = model.lower_bound(change.prefix);
        change.prefix = found == model.end() ? model.begin()->first : found->first;
      }
      make(model, change);
      batch.push_back(change);
    }
    index = index.with(batch);
    CHECK(index.serial() == serial);
    CHECK(index.size() == model.size());
  };
  for (int i = 0; i < 200; ++i) patch(1, 5);
  check_same(index, model, source, kNow);
  patch(30'000, 2);
  check_same(index, model, source, kNow);
  for (int i = 0; i < 8; ++i) patch(20'000, 10);
  check_same(index, model, source, kNow);
  patch(20'000, 1);
  check_same(index, model, source, kNow + std::chrono::seconds{7});

  const auto later = kNow + std::chrono::seconds{5'000'000};
  const auto swept = index.without_ended(later);
  std::erase_if(model, [&](const auto& entry) { return !in_force(entry.second, later); });
  CHECK(swept.size() == model.size());
  check_same(swept, model, source, later);

  // All of it away again, in one go: nothing is left, not even of memory.
  std::vector<ListingChange> removals;
  for (const auto& [network, change] : model) {
    auto removal = change;
    removal.serial = ++serial;
    removal.action = ListingChange::Action::delisted;
    removals.push_back(removal);
  }
  if (!removals.empty()) CHECK(swept.with(removals).size() == 0);
}
