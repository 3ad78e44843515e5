// The cost of the index: octets per entry compared with the theoretical minimum, and the time to build, look up and change it.
//
//   zone_index [--entries N] [--ips FILE]
//
// N random IPv4 addresses (10,000,000), or those of a file, one per line. The bound is log2 of the number of ways to choose that
// many addresses among all of 2^32: the minimum for random addresses; clustered ones need less.
#include "zone/listing_index.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <vector>

using namespace blowback;

namespace {

using Steady = std::chrono::steady_clock;
constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};

double seconds_since(Steady::time_point start) { return std::chrono::duration<double>(Steady::now() - start).count(); }

long resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  }
  return 0;
}

/// log2 of the binomial coefficient, per entry.
double bound(double entries) {
  constexpr double kAll = 4294967296.0;
  const double natural = std::lgamma(kAll + 1) - std::lgamma(entries + 1) - std::lgamma(kAll - entries + 1);
  return natural / std::log(2.0) / entries;
}

enum class Ends : std::uint8_t { never, own };

void measure(const char* what, const std::vector<std::uint32_t>& addresses, Ends ends) {
  std::mt19937 random(7);
  const auto before = resident_kib();
  const auto start = Steady::now();
  zone::ListingIndex index;
  {
    zone::ListingIndex::Builder builder(kNow);
    Listing listing;
    for (const auto address : addresses) {
      listing.prefix = Prefix::of(IpAddress::from_v4(address));
      listing.codes = Code::dsn;
      if (ends == Ends::own) {
        listing.codes = random() % 4 == 0 ? CodeSet(Code::dsn) | Code::auto_reply : CodeSet(Code::dsn);
        listing.expires_at = kNow + std::chrono::seconds{1 + random() % 2'419'200};
      }
      builder.add(listing);
    }
    index = builder.finish(1);
  }
  const auto built = seconds_since(start);
  const auto entries = static_cast<double>(addresses.size());
  std::printf("%s\n  build            %.2f s, %.0f ns an entry\n", what, built, built * 1e9 / entries);
  std::printf("  memory           %.1f MiB, %.1f bits an entry; resident %.1f MiB more than before; bound %.1f bits\n",
              static_cast<double>(index.octets()) / 1048576.0, static_cast<double>(index.octets()) * 8 / entries,
              static_cast<double>(resident_kib() - before) / 1024.0, bound(entries));

  constexpr int kLooks = 2'000'000;
  std::vector<IpAddress> asked;
  asked.reserve(kLooks);
  for (int i = 0; i < kLooks; ++i) {
    asked.push_back(
        IpAddress::from_v4(i % 10 < 3 ? addresses[random() % addresses.size()] : static_cast<std::uint32_t>(random())));
  }
  std::size_t listed = 0;
  const auto look = Steady::now();
  for (const auto& address : asked) listed += index.codes_at(address, kNow).empty() ? 0U : 1U;
  std::printf("  look-up          %.0f ns (%.0f %% listed)\n", seconds_since(look) * 1e9 / kLooks,
              100.0 * static_cast<double>(listed) / kLooks);
  const auto within = Steady::now();
  for (const auto& address : asked) listed += index.anything_within(Prefix::covering(address, 24), kNow) ? 1U : 0U;
  std::printf("  within a /24     %.0f ns\n", seconds_since(within) * 1e9 / kLooks);

  Serial serial = 1;
  const auto patch = [&](std::size_t changes) {
    std::vector<ListingChange> batch(changes);
    for (auto& change : batch) {
      change.serial = ++serial;
      change.prefix = Prefix::of(IpAddress::from_v4(static_cast<std::uint32_t>(random())));
      change.codes = Code::by_operator;
      change.source = Source::automatic;
    }
    const auto begin = Steady::now();
    index = index.with(batch);
    return seconds_since(begin);
  };
  std::vector<double> single;
  for (int i = 0; i < 1'000; ++i) single.push_back(patch(1));
  std::ranges::sort(single);
  std::printf("  one change       %.0f us median, %.0f us worst of 1,000\n", single[500] * 1e6, single.back() * 1e6);
  const auto bulk = patch(100'000);
  std::printf("  100,000 changes  %.0f ms\n", bulk * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t entries = 10'000'000;
  std::string file;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--entries") entries = std::stoul(argv[i + 1]);
    if (option == "--ips") file = argv[i + 1];
  }
  std::vector<std::uint32_t> addresses;
  if (file.empty()) {
    std::mt19937 random(1);
    while (addresses.size() < entries) {
      for (auto i = addresses.size(); i < entries; ++i) addresses.push_back(static_cast<std::uint32_t>(random()));
      std::ranges::sort(addresses);
      addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
    }
  } else {
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      const auto address = IpAddress::parse(line.substr(0, line.find_first_of(" \t\r#")));
      if (address && address->family() == Family::ipv4) addresses.push_back(address->v4());
    }
    std::ranges::sort(addresses);
    addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
    if (addresses.empty()) {
      std::fprintf(stderr, "zone_index: no IPv4 addresses in %s\n", file.c_str());
      return 2;
    }
  }
  std::printf("%zu IPv4 addresses, %s\n", addresses.size(), file.empty() ? "random" : file.c_str());
  measure("all alike, as an import is", addresses, Ends::never);
  measure("each with an end of its own, within 28 days, a quarter with two codes", addresses, Ends::own);
  return 0;
}
