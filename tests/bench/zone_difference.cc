// The cost of the difference of two versions of the zone (server/transfer/zone_difference.h).
//
//   zone_difference [--entries N]
//
// Two lists: N random IPv4 addresses (1,000,000) alone; and with a fiftieth as many IPv6 /64, as many networks of all kinds of lengths, and 1,000
// exemptions. Each difference is read twice, as IXFR does: what is removed, and what is added.
#include "transfer/zone_difference.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace blowback;
using transfer::ZoneDifference;
using transfer::ZoneVersion;
using zone::ListingIndex;

namespace {

using Steady = std::chrono::steady_clock;
constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};

double seconds_since(Steady::time_point start) { return std::chrono::duration<double>(Steady::now() - start).count(); }

class Chance {
 public:
  unsigned to(unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random_); }

  Prefix v4(int length) { return Prefix::covering(IpAddress::from_v4(static_cast<std::uint32_t>(random_())), length); }
  Prefix v6(int length) {
    IpAddress::Octets octets{};
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(to(255));
    octets[0] = 0x2a;
    return Prefix::covering(IpAddress::from_octets(octets), length);
  }
  Prefix network() {
    return to(3) == 0 ? v6(static_cast<int>(48 + to(16))) : v4(static_cast<int>(to(3) == 0 ? 16 + to(8) : 24 + to(8)));
  }

 private:
  std::mt19937 random_{7};
};

ListingIndex list(std::size_t entries, std::size_t others, std::size_t exemptions, Chance& chance) {
  std::vector<Prefix> prefixes;
  for (std::size_t i = 0; i < entries; ++i) prefixes.push_back(chance.v4(32));
  for (std::size_t i = 0; i < others; ++i) {
    prefixes.push_back(chance.v6(64));
    prefixes.push_back(chance.network());
  }
  std::ranges::sort(prefixes);
  ListingIndex::Builder builder(kNow);
  Listing listing;
  listing.codes = Code::dsn;
  for (const auto& prefix : prefixes) {
    listing.prefix = prefix;
    builder.add(listing);
  }
  for (std::size_t i = 0; i < exemptions; ++i) {
    Exemption exemption;
    exemption.prefix = chance.network();
    builder.add(exemption);
  }
  return builder.finish(1);
}

/// Reads it twice. Returns how many names differ.
std::size_t read_twice(ZoneDifference& difference) {
  std::size_t names = 0;
  while (difference.next()) ++names;
  difference.restart();
  while (difference.next()) {
  }
  return names;
}

/// Makes changes to `index`, `rounds` times, and prints how long their differences take. `change` makes one.
template <typename Change>
void measure(const char* what, ListingIndex index, int rounds, std::size_t changes, Change change) {
  std::vector<double> seconds;
  std::size_t names = 0;
  double applying = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<ListingChange> batch(changes);
    std::vector<Prefix> changed;
    auto serial = index.serial();
    for (auto& each : batch) {
      change(each);
      each.serial = ++serial;
      changed.push_back(each.prefix);
    }
    const ZoneVersion before{.index = index, .at = kNow};
    const auto apply = Steady::now();
    index = index.with(batch);
    applying += seconds_since(apply);
    const auto start = Steady::now();
    ZoneDifference difference(before, {.index = index, .at = kNow}, std::move(changed));
    names += read_twice(difference);
    seconds.push_back(seconds_since(start));
  }
  std::ranges::sort(seconds);
  std::printf("  %-38s %8.1f us median, %8.1f us worst of %d; %.1f names; the index's change %.0f us\n", what,
              seconds[seconds.size() / 2] * 1e6, seconds.back() * 1e6, rounds,
              static_cast<double>(names) / static_cast<double>(rounds), applying * 1e6 / rounds);
}

void measure_wide(const ListingIndex& index, const Prefix& network) {
  ListingChange change;
  change.prefix = network;
  change.codes = Code::challenge;
  change.serial = index.serial() + 1;
  const ZoneVersion before{.index = index, .at = kNow};
  const ZoneVersion after{.index = index.with({&change, 1}), .at = kNow};
  ZoneDifference difference(before, after, {network});
  const auto limited = Steady::now();
  const bool more = difference.reads_more_than(100'000);
  const auto limit = seconds_since(limited);
  const auto start = Steady::now();
  const auto names = read_twice(difference);
  std::printf(
      "%s listed: %zu names differ, %.1f ms for two passes, %.0f ns a name; %s 100,000 are read, known after %.1f ms\n",
      network.to_string().c_str(), names, seconds_since(start) * 1e3,
      seconds_since(start) * 1e9 / 2 / static_cast<double>(names), more ? "more than" : "no more than", limit * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t entries = 1'000'000;
  if (argc == 3 && std::string(argv[1]) == "--entries") entries = std::stoul(argv[2]);
  Chance chance;
  const auto one_address = [&](ListingChange& each) {
    each.prefix = chance.v4(32);
    each.codes = Code::challenge;
  };
  const auto addresses = list(entries, 0, 0, chance);
  std::printf("%zu addresses\n", addresses.size());
  measure("one address", addresses, 2'000, 1, one_address);
  measure("50 addresses", addresses, 500, 50, one_address);
  const auto index = list(entries, entries / 50, 1'000, chance);
  std::printf("%zu addresses, networks and exemptions\n", index.size());
  measure("one address", index, 2'000, 1, one_address);
  measure("one IPv6 /64", index, 2'000, 1, [&](ListingChange& each) {
    each.prefix = chance.v6(64);
    each.codes = Code::challenge;
  });
  measure("50 addresses, networks and exemptions", index, 500, 50, [&](ListingChange& each) {
    each.prefix = chance.to(1) == 0 ? chance.v4(32) : chance.network();
    each.codes = Code::challenge;
    if (chance.to(9) == 0) {
      each.codes = {};
      each.action = ListingChange::Action::exempted;
    }
  });
  measure("10,000 addresses", index, 20, 10'000, one_address);
  measure_wide(index, Prefix::parse("93.0.0.0/8").value());
  measure_wide(index, Prefix::parse("93.185.0.0/16").value());
  return 0;
}
