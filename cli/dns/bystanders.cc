#include "dns/bystanders.h"

#include "blowback/reach.h"
#include "dns/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace blowback::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A list of a million addresses contains one of these in about a hundred runs; one of a tenth of the Internet contains three.
constexpr std::size_t kOfEachFamily = 32;
constexpr std::size_t kAFew = 3;
constexpr std::size_t kTold = 20;
constexpr std::size_t kExamples = 3;
constexpr milliseconds kInAll{5000};
constexpr milliseconds kPatience{1000};

constexpr std::string_view kMend =
    "`blowback listings` shows what lists them; `blowback undo N`, N from `blowback log`, or `blowback delist CIDR "
    "--wide "
    "--reason R` reverses it";

/// The results of the queries.
struct Asked {
  struct OfFamily {
    std::size_t asked = 0;
    std::vector<std::string> listed;
  };
  std::array<OfFamily, 2> ordinary;  ///< by Family
  OfFamily special_use;
  std::string failure;  ///< "": all were answered
};

/// `8.1.2.3, 9.1.2.3 and 30 more`.
[[nodiscard]] std::string some_of(const std::vector<std::string>& addresses) {
  const auto shown = std::min(addresses.size(), kExamples);
  const auto end = addresses.begin() + static_cast<std::ptrdiff_t>(shown);
  const auto text = fmt::format("{}", fmt::join(addresses.begin(), end, ", "));
  return shown == addresses.size() ? text : fmt::format("{} and {} more", text, addresses.size() - shown);
}

[[nodiscard]] Asked ask_for(const config::Endpoint& server, const std::string& zone, const Bystanders& bystanders) {
  Asked asked;
  const auto until = Clock::now() + kInAll;
  const auto ask_one = [&](const IpAddress& address, Asked::OfFamily& family) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
    if (left <= milliseconds{0}) {
      asked.failure = "five seconds had passed";
      return false;
    }
    // By TCP, since the rate limit is for UDP only, and all "not listed" answers are one class of it.
    const auto reply =
        ask(server, {.name = owner_name(address, zone), .tcp = true, .edns = Edns{}}, std::min(left, kPatience));
    if (!reply) {
      asked.failure = reply.error().text;
      return false;
    }
    ++family.asked;
    if (!reply->answers_of(RecordType::a).empty()) family.listed.push_back(address.to_string());
    return true;
  };
  for (const auto& address : bystanders.special_use) {
    if (!ask_one(address, asked.special_use)) return asked;
  }
  for (const auto& address : bystanders.ordinary) {
    if (!ask_one(address, asked.ordinary.at(static_cast<std::size_t>(address.family())))) return asked;
  }
  return asked;
}

void add_finding(const Listing& listing, const Reach& reach, Findings& findings) {
  const auto network = listing.prefix.to_string();
  findings.doubtful(
      "wide listing " + network,
      fmt::format("{} and is listed, {} in all ({})", in_words(reach), to_string(reach.addresses),
                  harmless(listing.reason)),
      fmt::format("if that isn't intended: `blowback delist {} --wide --reason R`, or `blowback undo N` with N "
                  "from `blowback log`",
                  network));
}

void add_finding(const Exemption& exemption, const Reach& reach, Findings& findings) {
  const auto network = exemption.prefix.to_string();
  findings.doubtful("wide exemption " + network,
                    fmt::format("{} and is exempt, {} in all ({})", in_words(reach), to_string(reach.addresses),
                                harmless(exemption.reason)),
                    fmt::format("if that isn't intended: `blowback exempt {} --end --reason R`", network));
}

}  // namespace

IpAddress any_in(const Prefix& network, std::mt19937_64& random) {
  auto octets = network.first().octets();
  const IpAddress::Octets last = network.last().octets();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets.at(i) = static_cast<std::uint8_t>(octets.at(i) | (random() & (octets.at(i) ^ last.at(i))));
  }
  return IpAddress::from_octets(octets);
}

Bystanders draw_bystanders(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bystanders bystanders;
  // 127.0.0.2 is a test point (RFC 5782 §5), and in our zone some of its neighbours are.
  const auto test_points = Prefix::covering(IpAddress::from_v4(0x7f000000), 24);
  for (const auto& network : special_use_networks()) {
    auto address = any_in(network, random);
    while (test_points.contains(address)) address = any_in(network, random);
    bystanders.special_use.push_back(address);
  }
  const std::array spaces{Prefix::covering(IpAddress(), 0),
                          Prefix::covering(IpAddress::from_octets({0x20}), 3)};  // global unicast
  for (const auto& space : spaces) {
    for (std::size_t i = 0; i < kOfEachFamily;) {
      const auto address = any_in(space, random);
      if (use_of(address) != AddressUse::ordinary) continue;
      bystanders.ordinary.push_back(address);
      ++i;
    }
  }
  return bystanders;
}

void look_at_bystanders(const config::Endpoint& server, const std::string& zone, const Bystanders& bystanders,
                        const std::string& check, Findings& findings) {
  const auto asked = ask_for(server, zone, bystanders);
  const auto& [ipv4, ipv6] = asked.ordinary;
  const auto& special_use = asked.special_use;
  const auto random_listed = ipv4.listed.size() + ipv6.listed.size();
  const auto random_asked = ipv4.asked + ipv6.asked;
  if (ipv4.listed.size() > kAFew || ipv6.listed.size() > kAFew) {
    auto examples = ipv4.listed;
    examples.insert(examples.end(), ipv6.listed.begin(), ipv6.listed.end());
    findings.bad(
        check,
        fmt::format("the list covers the world: {} of {} random public IPv4 addresses, {} of {} IPv6 addresses and "
                    "{} of {} special-use ones are listed, such as {}",
                    ipv4.listed.size(), ipv4.asked, ipv6.listed.size(), ipv6.asked, special_use.listed.size(),
                    special_use.asked, some_of(examples)),
        std::string(kMend));
  } else if (!special_use.listed.empty()) {
    findings.bad(check,
                 fmt::format("the list covers special-use addresses, which send no mail over the Internet: {}",
                             some_of(special_use.listed)),
                 std::string(kMend));
  } else if (!asked.failure.empty()) {
    findings.doubtful(check,
                      fmt::format("asked for {} addresses that shouldn't be listed; then: {}",
                                  special_use.asked + random_asked, asked.failure),
                      "see the server's log, and run this again when it has less to do");
  } else {
    findings.good(check, fmt::format("{} of {} random public addresses and none of {} special-use ones are listed",
                                     random_listed, random_asked, special_use.asked));
  }
}

void look_at_reach(schema::Store& store, UnixTime now, Findings& findings) {
  std::size_t listings = 0;
  const auto visited = store.for_each_listing({}, now, [&](const Listing& listing) {
    const auto reach = reach_of(listing.prefix);
    if (reach.breadth != Breadth::narrow && ++listings <= kTold) add_finding(listing, reach, findings);
  });
  const auto exemptions = store.exemptions(now);
  if (!visited || !exemptions) {
    findings.bad("reach", visited ? exemptions.error().text : visited.error().text, "run `blowback db check`");
    return;
  }
  std::size_t exempt = 0;
  for (const auto& exemption : *exemptions) {
    const auto reach = reach_of(exemption.prefix);
    // An exemption of special-use space does no harm: it is never listed automatically.
    if (reach.breadth == Breadth::wide && ++exempt <= kTold) add_finding(exemption, reach, findings);
  }
  if (listings > kTold || exempt > kTold) {
    findings.doubtful("reach",
                      fmt::format("{} wide or special-use listings and {} wide exemptions in all", listings, exempt),
                      "see `blowback listings` and `blowback exemptions` for those that aren't named here");
  } else if (listings + exempt == 0) {
    findings.good("reach", "no listing or exemption is wide");
  }
}

}  // namespace blowback::cli
