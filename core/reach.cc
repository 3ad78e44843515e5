#include "blowback/reach.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

namespace blowback {
namespace {

using Number128 = AddressCount::Number128;

constexpr Number128 kAll = ~Number128{0};
constexpr unsigned kHostBitsOfSite = 128 - 48;

/// 2^128 - 1 for ::/0.
[[nodiscard]] Number128 size_of(const Prefix& network) {
  const auto host_bits = static_cast<unsigned>(network.first().bits() - network.length());
  return host_bits >= 128 ? kAll : Number128{1} << host_bits;
}

[[nodiscard]] AddressCount count_sorted(std::span<const Prefix> networks) {
  AddressCount count;
  // The last one counted, by family. Networks in it follow directly, perhaps with some of the other family in between.
  std::array<const Prefix*, 2> last{};
  for (const auto& network : networks) {
    auto& around = last.at(static_cast<std::size_t>(network.family()));
    if (around != nullptr && around->contains(network)) continue;
    around = &network;
    const auto size = size_of(network);
    if (network.family() == Family::ipv4) {
      count.ipv4 += static_cast<std::uint64_t>(size);
    } else {
      count.ipv6 = count.ipv6 > kAll - size ? kAll : count.ipv6 + size;
    }
  }
  return count;
}

/// With commas as thousands separators.
[[nodiscard]] std::string grouped(Number128 number) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
    number /= 10;
  } while (number > 0);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(digits.begin() + at, ',');
  return digits;
}

[[nodiscard]] Breadth breadth_of(const Prefix& network) {
  if (network.length() >= shortest_narrow(network.family())) {
    return has_special_use(network) ? Breadth::special_use : Breadth::narrow;
  }
  return is_special_use(network) ? Breadth::special_use : Breadth::wide;
}

}  // namespace

std::string to_string(const AddressCount& count) {
  const auto counted = [](const std::string& number, const char* family) {
    return number + " " + family + (number == "1" ? " address" : " addresses");
  };
  const auto ipv6 = count.ipv6 == kAll ? "340,282,366,920,938,463,463,374,607,431,768,211,456" : grouped(count.ipv6);
  if (count.ipv6 == 0) return counted(grouped(count.ipv4), "IPv4");
  if (count.ipv4 == 0) return counted(ipv6, "IPv6");
  return counted(grouped(count.ipv4), "IPv4") + " and " + counted(ipv6, "IPv6");
}

AddressCount addresses_in(std::span<const Prefix> networks) {
  if (std::ranges::is_sorted(networks)) return count_sorted(networks);
  std::vector<Prefix> sorted(networks.begin(), networks.end());
  std::ranges::sort(sorted);
  return count_sorted(sorted);
}

Reach reach_of(std::span<const Prefix> networks) {
  Reach reach;
  reach.addresses = addresses_in(networks);
  for (const auto& network : networks) {
    reach.breadth = breadth_of(network);
    if (reach.breadth == Breadth::narrow) continue;
    reach.network = network;
    return reach;
  }
  const bool too_many = reach.addresses.ipv4 > kMostSites || reach.addresses.ipv6 > Number128{kMostSites}
                                                                                        << kHostBitsOfSite;
  reach.breadth = too_many ? Breadth::too_many : Breadth::narrow;
  return reach;
}

std::string in_words(const Reach& reach) {
  const auto network = reach.network.to_string();
  switch (reach.breadth) {
    case Breadth::narrow:
      break;
    case Breadth::special_use:
      return network + (is_special_use(reach.network) ? " is special-use space" : " contains special-use space");
    case Breadth::wide:
      return network + " is wider than /" + std::to_string(shortest_narrow(reach.network.family()));
    case Breadth::too_many:
      return "together they have more than " + grouped(kMostSites) + " IPv4 addresses or IPv6 networks of /48";
  }
  assert(false);
  return {};
}

}  // namespace blowback
